"""CSV files as a task's data: what is read, and what is said of what cannot be."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from glueharness import CsvForm, DataError, DataOptions, NotInFolder, SourceUnavailable, csv_source
from glueharness.authoring import ACCURACY
from tests.small_task import parity

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import Split


def load(folder: Path, content: bytes, form: CsvForm | None = None, split: str = "dev") -> Split:
    (folder / f"{split}.csv").write_bytes(content)
    data = csv_source(folder, form).factory().open(parity(), DataOptions())
    assert data.available == [split]
    return data.load(split)


def test_quotes_commas_line_breaks_and_more_columns_are_read(tmp_path: Path) -> None:
    content = '\ufeffid,label,text\r\n7,odd,"a, ""b""\nc"\r\n8,even,plain\r\n\r\n'.encode()
    split = load(tmp_path, content)
    assert list(split["text"]) == ['a, "b"\nc', "plain"]
    assert list(split["label"]) == ["odd", "even"]
    assert list(split["index"]) == [0, 1]


def test_headings_labels_and_delimiter_may_differ(tmp_path: Path) -> None:
    form = CsvForm(columns={"label": "y"}, labels={"0": "even", "1": "odd"}, delimiter="\t")
    split = load(tmp_path, b"text\ty\nthree\t1\n", form)
    assert list(split["label"]) == ["odd"]


def test_labels_of_a_test_split_are_not_read(tmp_path: Path) -> None:
    split = load(tmp_path, b"text,label\nthree,secret\n", split="test")
    assert "label" not in split.column_names


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", 1, "the header lacks text, label; it has nothing"),
        (b"words,label\n", 1, "the header lacks text; it has words, label"),
        (b"text,label\na,odd\nb\n", 3, "1 fields where the header has 2"),
        (b'text,label\n"a\nb",odd\nc,d,odd\n', 4, "3 fields where the header has 2"),
        (
            b"text,label\na,odd\nb,strange\n",
            3,
            "the label is 'strange'; the labels of parity are even, odd",
        ),
        (b"text,label\na,odd\n\xff,odd\n", 3, "this line is not UTF-8"),
        (b'text,label\n"a"b,odd\n', 2, "not valid CSV"),
        (b'text,label\na,"odd\n', 2, "not valid CSV"),
    ],
)
def test_what_cannot_be_read_is_named_with_file_and_line(
    tmp_path: Path, content: bytes, line: int, said: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, content)
    assert said in caught.value.what
    assert caught.value.where == f"{tmp_path / 'dev.csv'}:{line}"


@pytest.mark.parametrize(
    ("content", "remedy"),
    [(b"words,label\n", "CsvForm(columns="), (b"text,label\na,1\n", "CsvForm(labels={'1': ...})")],
)
def test_what_has_another_name_in_the_files_is_said_how_to_tell(
    tmp_path: Path, content: bytes, remedy: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, content)
    assert remedy in caught.value.remedy


def test_the_folder_may_be_a_string(tmp_path: Path) -> None:
    (tmp_path / "dev.csv").write_text("text,label\na,odd\n", encoding="utf-8")
    data = csv_source(str(tmp_path)).factory().open(parity(), DataOptions())
    assert list(data.load("dev")["text"]) == ["a"]


def test_scores_are_read_as_numbers(tmp_path: Path) -> None:
    task = parity(labels=(), score_range=(0.0, 5.0), submission=())
    (tmp_path / "dev.csv").write_text("text,label\na,2.5\nb,high\n", encoding="utf-8")
    data = csv_source(tmp_path).factory().open(task, DataOptions())
    with pytest.raises(DataError, match="the score is 'high'") as caught:
        data.load("dev")
    assert caught.value.where.endswith("dev.csv:3")


def test_without_a_folder_of_its_own_it_asks_for_one(tmp_path: Path) -> None:
    source = csv_source().factory()
    with pytest.raises(SourceUnavailable, match="no folder was given"):
        source.open(parity(), DataOptions())
    with pytest.raises(NotInFolder, match=r"none of train\.csv, dev\.csv, test\.csv"):
        source.open(parity(), DataOptions(folder=tmp_path))


def test_accuracy_is_the_share_of_equal_values() -> None:
    metric = ACCURACY.factory(parity())
    answer = metric.compute(predictions=["a", "b", "b", "a"], references=["a", "b", "a", "a"])
    assert answer == {"accuracy": 0.75}


@pytest.mark.parametrize(
    ("header", "form", "said"),
    [
        (b"tekst,label\n", None, ("If 'tekst' is meant, the task's plugin says so: "
         "CsvForm(columns={'text': 'tekst'}).")),
        (b"text,labels\n", None, "CsvForm(columns={'label': 'labels'})."),
        (b"tekst,lable\n", None, "If 'tekst', 'lable' is meant"),
        (b"text,y\n", None, ("another heading, the task's plugin says so: "
         "CsvForm(columns={'label': 'HEADING'}).")),
        (b"text,is_od\n", CsvForm(columns={"label": "is_odd"}), "{'label': 'is_od'}"),
    ],
)  # fmt: skip
def test_a_missing_column_is_answered_with_the_nearest(
    header: bytes, form: CsvForm | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, header, form)
    assert said in caught.value.remedy


@pytest.mark.parametrize("header", [b"text,text,label\n", b"text,label,label\n"])
def test_a_column_that_is_there_twice_is_not_guessed(header: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two columns are called"):
        load(tmp_path, header + b"one,even,odd\n")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_told(delimiter: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, f"text{delimiter}label\none{delimiter}odd\n".encode())
    assert f"CsvForm(delimiter={delimiter!r})" in caught.value.remedy


def test_a_text_may_be_as_long_as_a_book(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    table = load(tmp_path, b"text,label\n" + b"word " * 100_000 + b",odd\n")
    assert len(table["text"][0]) == 500_000
    assert csv.field_size_limit() == before


def test_a_long_value_is_told_by_its_beginning(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, b"text,label\none," + b"o" * 5000 + b"\n")
    assert len(str(caught.value)) < 500
    with pytest.raises(DataError) as caught:
        load(tmp_path, b",".join(b"column%d" % number for number in range(5000)) + b"\n")
    assert len(str(caught.value)) < 500


def test_a_label_that_the_form_names_wrongly_is_no_news_to_its_author(tmp_path: Path) -> None:
    form = CsvForm(labels={"0": "nil"})
    with pytest.raises(DataError, match="the task's description calls 'nil'"):
        load(tmp_path, b"text,label\none,0\n", form)


@pytest.mark.parametrize("score", ["nan", "inf", "1e400", "1_0", "\u0663", "3,5", ""])
def test_what_only_python_takes_for_a_score_is_none(score: str, tmp_path: Path) -> None:
    task = parity(labels=(), score_range=(0.0, 5.0), submission=())
    (tmp_path / "dev.csv").write_text(f'text,label\na," 2.5 "\nb,"{score}"\n', encoding="utf-8")
    data = csv_source(tmp_path).factory().open(task, DataOptions())
    with pytest.raises(DataError, match="which is no number") as caught:
        data.load("dev")
    assert caught.value.where.endswith("dev.csv:3")
