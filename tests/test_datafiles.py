"""JSON Lines and Parquet files as a task's data, with a row function or without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glueharness import DataError, DataOptions, FileForm, jsonl_source, parquet_source
from tests.small_task import parity

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import Split


def jsonl(folder: Path, content: str | bytes, form: FileForm | None = None) -> Split:
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "dev.jsonl").write_bytes(raw)
    return jsonl_source(folder, form).factory().open(parity(), DataOptions()).load("dev")


def parquet(folder: Path, rows: list[dict[str, Any]], form: FileForm | None = None) -> Split:
    pq.write_table(pa.Table.from_pylist(rows), folder / "dev.parquet")
    return parquet_source(str(folder), form).factory().open(parity(), DataOptions()).load("dev")


def both_readings(record: Any) -> list[dict[str, Any]]:
    """Two rows of each record."""
    return [{"text": record["a"], "label": "even"}, {"text": record["b"], "label": "odd"}]


def test_lines_with_other_line_breaks_in_their_texts(tmp_path: Path) -> None:
    text = "one\u2028two\x85three"
    lines = [json.dumps({"text": text, "label": "odd", "more": [1]}, ensure_ascii=False), "",
             json.dumps({"label": "even", "text": "b"})]  # fmt: skip
    split = jsonl(tmp_path, "\ufeff" + "\r\n".join(lines) + "\r\n")
    assert list(split["text"]) == [text, "b"]
    assert list(split["label"]) == ["odd", "even"]
    assert list(split["index"]) == [0, 1]
    assert split.column_names == ["index", "text", "label"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(1, {"1": "odd"}), (True, {"true": "odd"}), (1.0, {"1": "odd"}), (0.5, {"0.5": "odd"})],
)
def test_numbers_and_truth_values_are_labels_by_how_they_are_written(
    value: object, words: dict[str, str], tmp_path: Path
) -> None:
    form = FileForm(labels=words)
    line = json.dumps({"text": "a", "label": value})
    assert list(jsonl(tmp_path, line, form)["label"]) == ["odd"]
    assert list(parquet(tmp_path, [{"text": "a", "label": value}], form)["label"]) == ["odd"]


def test_a_row_function_makes_several_rows_of_a_record(tmp_path: Path) -> None:
    record = {"a": "two", "b": "three"}
    form = FileForm(row=both_readings)
    for split in (jsonl(tmp_path, json.dumps(record), form), parquet(tmp_path, [record], form)):
        assert list(split["text"]) == ["two", "three"]
        assert list(split["label"]) == ["even", "odd"]


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ('{"text": "a", "label": "odd"}\n{"text"', 2, "not valid JSON"),
        ('[\n{"text": "a", "label": "odd"}]', 1, "not valid JSON"),
        ('[{"text": "a", "label": "odd"}]', 1, "this line is [{'text': 'a', 'label': 'odd'}], not"),
        ("[" * 100_000, 1, "not valid JSON"),
        ('{"text": "a", "label": ' + "1" * 5000 + "}", 1, "not valid JSON: Exceeds the limit"),
        (b'{"text": "\xff", "label": "odd"}', 1, "this line is not UTF-8"),
        ('{"tekst": "a", "label": "odd"}', 1, "the record lacks text; it has tekst, label"),
        ('{"text": 5, "label": "odd"}', 1, "text is 5, which is not text"),
        ('{"text": "a\\ud83d", "label": "odd"}', 1, "text holds half of a character"),
        ('{"text": "a", "label": NaN}', 1, "the label is nan, which is no label"),
    ],
)
def test_what_cannot_be_read_is_named_with_file_and_line(
    content: str | bytes, line: int, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        jsonl(tmp_path, content)
    assert said in caught.value.what
    assert caught.value.where == f"{tmp_path / 'dev.jsonl'}:{line}"


def test_a_missing_field_is_answered_with_what_the_author_writes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"FileForm\(columns=\{'text': 'tekst'\}\)"):
        jsonl(tmp_path, '{"tekst": "a", "label": "odd"}')
    with pytest.raises(DataError, match=r"the record lacks text; it has tekst, label|lacks text"):
        parquet(tmp_path, [{"tekst": "a", "label": "odd"}])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (lambda record: record["absent"], "cannot use this record: KeyError: 'absent'"),
        (lambda _record: "text", "made 'text' of this record"),
        (lambda _record: None, "made missing (null) of this record"),
    ],
)
def test_a_row_function_that_fails_is_told_with_the_line(
    row: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        jsonl(tmp_path, '\n{"text": "a"}', FileForm(row=row))
    assert said in caught.value.what
    assert caught.value.where.endswith("dev.jsonl:2")


def test_rows_of_a_parquet_file_are_named_by_their_number(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "a", "label": "odd"},
        {"text": None, "label": "odd"},
    ]
    with pytest.raises(DataError) as caught:
        parquet(tmp_path, rows)
    assert str(caught.value) == (
        f"{tmp_path / 'dev.parquet'}: row 1: text is missing (null), which is not text"
    )
    (tmp_path / "dev.parquet").write_text("version https://git-lfs.github.com/spec/v1\n")
    data = parquet_source(tmp_path).factory().open(parity(), DataOptions())
    with pytest.raises(DataError, match=r"dev\.parquet: cannot be read as Parquet: "):
        data.load("dev")


@pytest.mark.parametrize("score", ["high", 7, True, None, "nan"])
def test_a_score_must_be_a_number_in_the_range(score: object, tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl").write_text(json.dumps({"text": "a", "label": score}))
    task = parity(labels=(), score_range=(0.0, 5.0), submission=())
    data = jsonl_source(tmp_path).factory().open(task, DataOptions())
    with pytest.raises(DataError, match="the score is"):
        data.load("dev")


def test_a_folder_below_the_one_that_the_user_gives(tmp_path: Path) -> None:
    (tmp_path / "Numbers").mkdir()
    (tmp_path / "Numbers" / "dev.jsonl").write_text('{"text": "a", "label": "odd"}\n')
    source = jsonl_source(form=FileForm(below="Numbers")).factory()
    data = source.open(parity(), DataOptions(folder=tmp_path))
    assert data.available == ["dev"]
    assert list(data.load("dev")["text"]) == ["a"]
