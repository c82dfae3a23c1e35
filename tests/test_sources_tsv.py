"""The official files in a folder: every quirk read right, every damage told with file and line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from glueharness import DataError, NotInFolder, SourceUnavailable
from glueharness.specs import DataOptions
from glueharness_glue.ax import AX
from glueharness_glue.cola import COLA
from glueharness_glue.mnli import MNLI
from glueharness_glue.mrpc import MRPC
from glueharness_glue.qnli import QNLI
from glueharness_glue.qqp import QQP
from glueharness_glue.sources.tsv import TsvSource
from glueharness_glue.sst2 import SST2
from glueharness_glue.stsb import STSB
from glueharness_glue.tasks import TASKS
from glueharness_glue.wnli import WNLI

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import Table, TaskSpec
    from glueharness_glue.sources.tsv import TsvData

ROW = '0\tWho?\tShe said "no.\tentailment\n'
QNLI_HEADER = "index\tquestion\tsentence\tlabel\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """A file below a task's folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def opened(task: TaskSpec, folder: Path | None) -> TsvData:
    return TsvSource().open(task, DataOptions(folder=folder))


def read(task: TaskSpec, folder: Path, split: str) -> dict[str, list[object]]:
    table: Table = opened(task, folder).load(split)
    return {name: list(table[name]) for name in table.column_names}


# Forms ------------------------------------------------------------------------------------


def test_qnli_reads_its_columns_by_name_and_leaves_quotes_alone(tmp_path: Path) -> None:
    content = QNLI_HEADER + ROW + '7\t"Why?\tBecause."\tnot_entailment\n'
    write(tmp_path, "QNLI/dev.tsv", content)
    assert read(QNLI, tmp_path, "dev") == {
        "index": [0, 1],
        "label": ["entailment", "not_entailment"],
        "question": ["Who?", '"Why?'],
        "sentence": ['She said "no.', 'Because."'],
    }


def test_columns_in_another_order(tmp_path: Path) -> None:
    write(tmp_path, "QNLI/dev.tsv", "label\tsentence\tindex\tquestion\nentailment\tYes.\t0\tHm?\n")
    found = read(QNLI, tmp_path, "dev")
    assert (found["question"], found["sentence"]) == (["Hm?"], ["Yes."])


def test_cola_has_no_header_and_may_lack_the_last_newline(tmp_path: Path) -> None:
    write(tmp_path, "CoLA/dev.tsv", "gj04\t1\t\tThe sailors rode.\nbc01\t0\t*\tThe sailors rided.")
    assert read(COLA, tmp_path, "dev") == {
        "index": [0, 1],
        "label": ["acceptable", "unacceptable"],
        "sentence": ["The sailors rode.", "The sailors rided."],
    }


def test_cola_test_has_a_header(tmp_path: Path) -> None:
    write(tmp_path, "CoLA/test.tsv", "index\tsentence\n0\tOne.\n1\tTwo.\n")
    assert read(COLA, tmp_path, "test") == {"index": [0, 1], "sentence": ["One.", "Two."]}


def test_mrpc_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    header = "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
    write(tmp_path, "MRPC/train.tsv", header + "1\t7\t8\tHe ran.\tHe did run.\n")
    assert read(MRPC, tmp_path, "train") == {
        "index": [0],
        "label": ["equivalent"],
        "sentence1": ["He ran."],
        "sentence2": ["He did run."],
    }


def test_stsb_scores_have_any_number_of_decimals(tmp_path: Path) -> None:
    rows = "".join(
        f"{row}\tg\tf\t2012\t{row}\tn\tn\tA.\tB.\t{score}\n"
        for row, score in enumerate(["5", "3.8", "4.000", "1.71428571428571"])
    )
    header = (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    )
    write(tmp_path, "STS-B/dev.tsv", header + rows)
    assert read(STSB, tmp_path, "dev")["label"] == [5.0, 3.8, 4.0, 1.71428571428571]


def test_qqp_unwraps_its_quotes_and_drops_broken_rows_of_train_only(tmp_path: Path) -> None:
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    good = '5\t1\t2\t"Why ""this""?"\t""""\t1\n'
    broken = '6\t3\t4\tWhat is it?\t"It is\n"\t0\n7\t3\t4\tWhat?\tHow?\t\n'
    write(tmp_path, "QQP/train.tsv", header + good + broken + "8\t5\t6\t\tplain\t0\n")
    data = opened(QQP, tmp_path)
    table = data.load("train")
    assert list(table["question1"]) == ['Why "this"?', ""]
    assert list(table["question2"]) == ['"', "plain"]
    assert list(table["index"]) == [0, 4]  # as on the hub: a gap where a row was left out
    told = "3 broken rows left out, as the hub does, the first at line 3"
    assert data.remarks == [f"{tmp_path / 'QQP/train.tsv'}: {told}"]
    write(tmp_path, "QQP/dev.tsv", header + good + broken)
    with pytest.raises(DataError) as caught:
        data.load("dev")
    assert caught.value.where.endswith("QQP/dev.tsv:3")


LOST_TAB = [
    "6\t3\t4\tWhat is it?\tWhat is that? 0\n",
    "6\t3\t4\tWhat is it?\tWhat is that?   1\n",
    '6\t3\t4\tWhat is it?\t"What is ""that""?" 1\n',
    "6\t3\t4\tWhat is it?\tWhat is that? 0\n7\t3\t4\tWho?\tWho is that? 1\n",
]


@pytest.mark.parametrize("rows", LOST_TAB)
@pytest.mark.parametrize("split", ["train", "dev"])
def test_qqp_tells_a_lost_tab_from_a_broken_row(tmp_path: Path, rows: str, split: str) -> None:
    """A row of train that is broken in two is left out; a label's tab that is lost never is."""
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    good = "5\t1\t2\tWhy?\tWhy so?\t1\n"
    path = write(tmp_path, f"QQP/{split}.tsv", header + good + rows + good)
    with pytest.raises(DataError, match="has become spaces") as caught:
        opened(QQP, tmp_path).load(split)
    assert caught.value.where == f"{path}:3"


@pytest.mark.parametrize(
    "rows",
    [
        '6\t3\t4\tWhat is it?\t"Is it 1\n"\t0\n',
        "6\t3\t4\tWhat is it?\tIs it 1\nor 2?\t0\n",
        '6\t3\t4\t"Is it 1\nor 2?"\tWhat?\t0\n',
    ],
)
def test_a_broken_row_of_qqp_may_end_in_a_digit(tmp_path: Path, rows: str) -> None:
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    good = "5\t1\t2\tWhy?\tWhy so?\t1\n"
    write(tmp_path, "QQP/train.tsv", header + good + rows + good)
    data = opened(QQP, tmp_path)
    assert len(data.load("train")) == 2
    assert "2 broken rows left out" in data.remarks[0]


def test_a_lost_tab_before_a_score(tmp_path: Path) -> None:
    header = (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    )
    path = write(tmp_path, "STS-B/dev.tsv", f"{header}0\tg\tf\ty\to\tn\tn\tA.\tB. 3.250\n")
    with pytest.raises(DataError, match=r"the tab before the label '3.250'") as caught:
        opened(STSB, tmp_path).load("dev")
    assert caught.value.where == f"{path}:2"


def test_qqp_tells_of_quotes_that_are_not_as_they_should_be(tmp_path: Path) -> None:
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    write(tmp_path, "QQP/dev.tsv", header + '5\t1\t2\tfine\tWhy "this"?\t1\n')
    data = opened(QQP, tmp_path)
    assert list(data.load("dev")["question2"]) == ['Why "this"?']
    (remark,) = data.remarks
    assert "dev.tsv: 1 texts hold quotes" in remark
    assert "line 2" in remark


def test_sst2_keeps_the_space_at_the_end(tmp_path: Path) -> None:
    write(tmp_path, "SST-2/dev.tsv", "sentence\tlabel\nhide new secretions \t0\n")
    assert read(SST2, tmp_path, "dev")["sentence"] == ["hide new secretions "]


def test_mnli_reads_gold_label_and_a_very_long_line(tmp_path: Path) -> None:
    header = (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
        "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\t"
        "label5\tgold_label\n"
    )
    row = f"0\t1\t2\tfiction\t(\t(\t(\t(\t{'x ' * 7000}\tB.\tneutral\t-\t-\t-\t-\tcontradiction\n"
    write(tmp_path, "MNLI/dev_mismatched.tsv", header + row)
    found = read(MNLI, tmp_path, "dev_mismatched")
    assert found["label"] == ["contradiction"]
    assert found["premise"] == ["x " * 7000]
    assert opened(MNLI, tmp_path).available == ["dev_mismatched"]


def test_wnli_is_the_reverse_of_rte(tmp_path: Path) -> None:
    write(
        tmp_path, "WNLI/dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\t0\n1\tA.\tB.\t1\n"
    )
    assert read(WNLI, tmp_path, "dev")["label"] == ["not_entailment", "entailment"]


@pytest.mark.parametrize("name", ["AX/AX.tsv", "diagnostic/diagnostic.tsv"])
def test_the_diagnostic_set_under_either_name(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "index\tsentence1\tsentence2\n0\tA.\tB.")
    assert read(AX, tmp_path, "test") == {"index": [0], "premise": ["A."], "hypothesis": ["B."]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("tail", ["", "\n", "\n\n\n"], ids=["no newline", "one", "empty lines"])
def test_harmless_differences(tmp_path: Path, end: str, mark: str, tail: str) -> None:
    text = mark + QNLI_HEADER + ROW.rstrip("\n") + tail
    write(tmp_path, "QNLI/dev.tsv", text.replace("\n", end))
    assert read(QNLI, tmp_path, "dev")["sentence"] == ['She said "no.']


def test_line_breaks_that_are_only_unicode_ones_stay_inside_a_text(tmp_path: Path) -> None:
    text = "a\u2028b\x85c\x1cd\x0be"
    write(tmp_path, "QNLI/dev.tsv", f"{QNLI_HEADER}0\tQ?\t{text}\tentailment\n")
    assert read(QNLI, tmp_path, "dev")["sentence"] == [text]


def test_test_labels_are_never_read(tmp_path: Path) -> None:
    write(tmp_path, "QNLI/test.tsv", QNLI_HEADER + ROW)
    assert "label" not in read(QNLI, tmp_path, "test")


def test_test_rows_carry_their_own_numbers(tmp_path: Path) -> None:
    rows = "2\tC?\tc\n0\tA?\ta\n1\tB?\tb\n"
    write(tmp_path, "QNLI/test.tsv", "index\tquestion\tsentence\n" + rows)
    assert read(QNLI, tmp_path, "test")["index"] == [2, 0, 1]


# Damage -----------------------------------------------------------------------------------

DAMAGE = [
    ("empty", "", 1, "empty"),
    ("blank header", "\n" + ROW, 1, "first line is empty"),
    ("no rows", QNLI_HEADER, 2, "no rows"),
    ("missing column", "index\tquestion\tlabel\n0\tQ?\tentailment\n", 1, "no column 'sentence'"),
    ("no header", ROW, 1, "no column 'question', 'sentence', 'label'"),
    ("unknown label", QNLI_HEADER + ROW + "1\tQ?\tS.\tmaybe\n", 3, "the label is 'maybe'"),
    ("label in capitals", QNLI_HEADER + "1\tQ?\tS.\tEntailment\n", 2, "knows entailment"),
    ("empty label", QNLI_HEADER + ROW + "1\tQ?\tS.\t\n", 3, "the label is ''"),
    ("field lost", QNLI_HEADER + ROW * 3 + "1\tS.\tentailment\n", 5, "3 fields where 4"),
    ("field split", QNLI_HEADER + "1\tQ?\tS.\tT.\tentailment\n", 2, "5 fields where 4"),
    ("commas", QNLI_HEADER + "1,Q?,S.,entailment\n", 2, "1 field where 4"),
    ("tab to space", QNLI_HEADER + ROW + "1\tQ?\tS. entailment\n", 3, "has become spaces"),
    ("tab to spaces", QNLI_HEADER + "1\tQ?\tS.    not_entailment\n", 2, "'not_entailment'"),
    ("empty line inside", QNLI_HEADER + ROW + "\n" + ROW, 3, "this line is empty"),
    ("not UTF-8", QNLI_HEADER.encode() + ROW.encode() + b"1\tQ\xe9?\tS\tentailment\n", 3, "UTF-8"),
    ("UTF-16", (QNLI_HEADER + ROW).encode("utf-16"), 1, "UTF-8"),
    ("QNLI v1", QNLI_HEADER + ROW * 5732, 0, "QNLI v1"),
]


@pytest.mark.parametrize(
    ("content", "line", "reason"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE]
)
def test_damage_is_told_with_file_and_line(
    tmp_path: Path, content: str | bytes, line: int, reason: str
) -> None:
    path = write(tmp_path, "QNLI/dev.tsv", content)
    with pytest.raises(DataError) as caught:
        opened(QNLI, tmp_path).load("dev")
    assert reason in caught.value.what
    assert caught.value.where == (f"{path}:{line}" if line else str(path))
    assert not isinstance(caught.value, SourceUnavailable)  # `auto` must not go on to other data


@pytest.mark.parametrize("score", ["", "high", "nan", "5.01", "-0.1", "inf"])
def test_a_score_out_of_range(tmp_path: Path, score: str) -> None:
    header = (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    )
    path = write(tmp_path, "STS-B/dev.tsv", f"{header}0\tg\tf\ty\to\tn\tn\tA.\tB.\t{score}\n")
    with pytest.raises(DataError, match="no number from 0 to 5") as caught:
        opened(STSB, tmp_path).load("dev")
    assert caught.value.where == f"{path}:2"


@pytest.mark.parametrize("number", ["0", "-1", "3", "x", "", "٢", " 1"])
def test_row_numbers_of_a_test_split(tmp_path: Path, number: str) -> None:
    header = "index\tquestion\tsentence\n"
    path = write(tmp_path, "QNLI/test.tsv", f"{header}0\tA?\ta\n{number}\tB?\tb\n2\tC?\tc\n")
    with pytest.raises(DataError, match="each of 0 to 2") as caught:
        opened(QNLI, tmp_path).load("test")
    assert caught.value.where == f"{path}:3"


def test_the_first_version_of_qnli_is_recognised_by_its_test_rows(tmp_path: Path) -> None:
    rows = "".join(f"{row}\tQ?\tS.\n" for row in range(5740))
    write(tmp_path, "QNLI/test.tsv", "index\tquestion\tsentence\n" + rows)
    with pytest.raises(DataError, match=r"5740 rows are QNLI v1.*2019-01-30"):
        opened(QNLI, tmp_path).load("test")


# Folders ----------------------------------------------------------------------------------


def test_the_folder_of_the_task_itself_may_be_given(tmp_path: Path) -> None:
    write(tmp_path, "QNLI/dev.tsv", QNLI_HEADER + ROW)
    assert len(opened(QNLI, tmp_path / "QNLI").load("dev")) == 1
    (tmp_path / "QNLI").rename(tmp_path / "renamed")
    assert len(opened(QNLI, tmp_path / "renamed").load("dev")) == 1


def test_the_folder_of_another_task_is_not_taken(tmp_path: Path) -> None:
    write(tmp_path, "QNLI/dev.tsv", QNLI_HEADER + ROW)
    for task in TASKS:
        if task is not QNLI:
            with pytest.raises(SourceUnavailable):
                opened(task, tmp_path / "QNLI")


def test_folder_names_in_another_case(tmp_path: Path) -> None:
    write(tmp_path, "qnli/dev.tsv", QNLI_HEADER + ROW)
    data = opened(QNLI, tmp_path)
    assert len(data.load("dev")) == 1
    assert data.origin.location == str(tmp_path / "qnli")
    assert data.available == ["dev"]


def test_no_folder() -> None:
    with pytest.raises(SourceUnavailable, match="no folder was given"):
        opened(QNLI, None)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotInFolder, match="is not there"):
        opened(QNLI, tmp_path / "nowhere")


def test_a_folder_without_the_task(tmp_path: Path) -> None:
    (tmp_path / "QNLI").mkdir()
    with pytest.raises(NotInFolder) as caught:
        opened(QNLI, tmp_path)
    assert f"{tmp_path} has no QNLI/train.tsv (or dev.tsv, test.tsv)" in caught.value.what
    assert "--data-dir" in caught.value.remedy


def test_a_missing_split(tmp_path: Path) -> None:
    path = write(tmp_path, "QNLI/dev.tsv", QNLI_HEADER + ROW)
    with pytest.raises(DataError) as caught:
        opened(QNLI, tmp_path).load("train")
    assert caught.value.where == str(path.with_name("train.tsv"))
    assert "this folder has dev.tsv" in caught.value.what


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, "QNLI/dev.tsv", QNLI_HEADER + ROW)
    data = opened(QNLI, tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError):
        data.load("dev")


def test_a_large_file_is_read_in_seconds(tmp_path: Path) -> None:
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    row = "\t1\t2\tWhat can one do about it in good time?\tWhat is one to do about it?\t0\n"
    write(tmp_path, "QQP/train.tsv", header + "".join(f"{n}{row}" for n in range(100_000)))
    start = time.perf_counter()
    assert len(opened(QQP, tmp_path).load("train")) == 100_000
    # A quarter of QQP's train split; generous, for a busy machine.
    assert time.perf_counter() - start < 5
