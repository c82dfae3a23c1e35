"""Damaged files, each made from a good one: told with file, line and the server's answer."""

from __future__ import annotations

import codecs
import functools
import random
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from glueharness_submission.form import render, written_values
from glueharness_submission.writer import GlueWriter
from tests.glue_files import FACTS, all_tasks, good, task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness import FileReport

TASK_OF = {file: name for name, (_, files, _, _) in FACTS.items() for file in files}


@functools.cache
def good_bytes(file: str) -> bytes:
    """A good file."""
    spec = task(TASK_OF[file])
    (submission,) = (item for item in spec.submission if item.name == file)
    return render(written_values(good(spec, submission)))


def report_on(folder: Path, file: str, data: bytes) -> FileReport:
    """What the checker says of a file with this content."""
    path = folder / file
    path.write_bytes(data)
    (report,) = GlueWriter().check(path, all_tasks()).files
    return report


def line(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A change of one line, counted from 1."""

    def damage(data: bytes) -> bytes:
        lines = data.split(b"\n")
        lines[number - 1] = change(lines[number - 1])
        return b"\n".join(lines)

    return damage


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    """A change of the list of lines, header included."""
    return lambda data: b"\n".join(change(data.rstrip(b"\n").split(b"\n"))) + b"\n"


def value(number: int, text: bytes) -> Callable[[bytes], bytes]:
    """Another prediction on a line."""
    return line(number, lambda old: old.split(b"\t")[0] + b"\t" + text)


def moved(rows: list[bytes], source: int, target: int) -> list[bytes]:
    """One line moved."""
    rest = rows[:source] + rows[source + 1 :]
    return [*rest[:target], rows[source], *rest[target:]]


def rows(count: int) -> Callable[[bytes], bytes]:
    """A file of so many rows."""
    return lambda _: render([b"entailment", b"not_entailment"] * (count // 2) + [b"entailment"])


class Damage(NamedTuple):
    """A damaged file and what must be said of it."""

    file: str
    change: Callable[[bytes], bytes]
    line: int
    said: str
    answer: str = "rejected"
    on_lines: int = 1


DAMAGES = {
    "empty": Damage("QNLI.tsv", lambda _: b"", 1, "empty"),
    "only line ends": Damage("QNLI.tsv", lambda _: b"\n\r\n\n", 1, "empty"),
    "only the header": Damage("WNLI.tsv", lambda d: d[:17], 1, "0 predictions; there must be 146"),
    "utf-8 mark": Damage("QNLI.tsv", lambda d: codecs.BOM_UTF8 + d, 1, "byte-order mark"),
    "utf-16": Damage("QNLI.tsv", lambda d: d.decode().encode("utf-16"), 1, "UTF-16"),
    "utf-16 without its mark": Damage(
        "QNLI.tsv", lambda d: d.decode().encode("utf-16-be"), 1, "UTF-16"
    ),
    "utf-32": Damage("QNLI.tsv", lambda d: d.decode().encode("utf-32"), 1, "UTF-32"),
    "nothing but zeros": Damage("QNLI.tsv", lambda d: bytes(len(d)), 1, "zero bytes"),
    "cr lf": Damage(
        "QNLI.tsv", lambda d: d.replace(b"\n", b"\r\n"), 1, "CR LF", "probably accepted", 5464
    ),
    "one cr lf": Damage(
        "QNLI.tsv", line(9, lambda old: old + b"\r"), 9, "CR LF", "probably accepted"
    ),
    "cr lf in the header only": Damage(
        "QNLI.tsv", line(1, lambda old: old + b"\r"), 1, "CR LF", "probably accepted"
    ),
    "cr lf and no header": Damage(
        "QNLI.tsv", lambda d: d[17:].replace(b"\n", b"\r\n"), 1, "CR LF", "probably accepted", 5463
    ),
    "cr within the header": Damage(
        "QNLI.tsv", line(1, lambda old: old.replace(b"\t", b"\r\t")), 1, "quotes or spaces"
    ),
    "cr": Damage("QNLI.tsv", lambda d: d.replace(b"\n", b"\r"), 1, "carriage return"),
    "no last line end": Damage(
        "QNLI.tsv", lambda d: d[:-1], 5464, "does not end", "accepted"
    ),
    "blank last line": Damage("QNLI.tsv", lambda d: d + b"\n", 5465, "blank line at the end"),
    "blank last lines": Damage(
        "QNLI.tsv", lambda d: d + b"\n \n\n", 5465, "blank line at the end", on_lines=3
    ),
    "blank line": Damage("QNLI.tsv", lines(lambda r: [*r[:7], b"", *r[7:]]), 8, "blank"),
    "no header": Damage("QNLI.tsv", lines(lambda r: r[1:]), 1, "header is missing"),
    "id as header": Damage(
        "QNLI.tsv", line(1, lambda _: b"id\tlabel"), 1, r"the header is 'id\tlabel'"
    ),
    "header in capitals": Damage(
        "QNLI.tsv", line(1, bytes.title), 1, "differs in case, quotes or spaces"
    ),
    "quoted header": Damage(
        "QNLI.tsv", line(1, lambda _: b'"index"\t"prediction"'), 1, "differs in case, quotes"
    ),
    "header of three": Damage(
        "QNLI.tsv", line(1, lambda old: b"\t" + old), 1, "has 3 columns"
    ),
    "commas": Damage(
        "QNLI.tsv", lambda d: d.replace(b"\t", b","), 2, "a comma is where a tab", on_lines=5463
    ),
    "comma in header": Damage("QNLI.tsv", line(1, lambda _: b"index,prediction"), 1, "a comma"),
    "spaces": Damage(
        "QNLI.tsv", lambda d: d.replace(b"\t", b"  "), 2, "a space is where", on_lines=5463
    ),
    "tab made spaces": Damage(
        "QNLI.tsv", line(77, lambda old: old.replace(b"\t", b"    ")), 77, "a space is where"
    ),
    "third field": Damage("QNLI.tsv", line(8, lambda old: old + b"\t0.93"), 8, "3 fields"),
    "a tab at the end": Damage("QNLI.tsv", line(8, lambda old: old + b"\t"), 8, "3 fields"),
    "row numbers of a data frame": Damage(
        "QNLI.tsv",
        lines(lambda r: [b"\t" + r[0], *(b"%d\t" % n + old for n, old in enumerate(r[1:]))]),
        2, "3 fields", on_lines=5463,
    ),
    "one field": Damage("QNLI.tsv", line(8, lambda _: b"6"), 8, "1 field;"),
    "row missing": Damage("QNLI.tsv", lines(lambda r: r[:9] + r[10:]), 10, "index 8 is missing"),
    "cut short": Damage("QNLI.tsv", lines(lambda r: r[:5001]), 5001, "5,000 predictions"),
    "cut within a line": Damage("QNLI.tsv", lambda d: d[:50_000], 2869, "not a label"),
    "one row too many": Damage(
        "QNLI.tsv", lambda d: d + b"5463\tentailment\n", 5465, "5,464 predictions"
    ),
    "twice the file": Damage("WNLI.tsv", lambda d: d + d, 148, "not a row number"),
    "qnli v1": Damage("QNLI.tsv", rows(5740), 5465, "5,741 predictions"),
    "an index twice": Damage(
        "QNLI.tsv", line(9, lambda old: b"6" + old[1:]), 9, "index 6 was on line 8 already"
    ),
    "a repeated row": Damage(
        "QNLI.tsv", lines(lambda r: [*r[:9], r[8], *r[9:]]), 10, "index 7 was on line 9"
    ),
    "from one": Damage(
        "QNLI.tsv",
        lines(lambda r: [r[0], *(b"%d\tentailment" % n for n in range(1, 5464))]),
        2, "the index begins at 1",
    ),
    "out of range": Damage(
        "WNLI.tsv", line(9, lambda _: b"146\t0"), 9, "146 is out of range; the last one is 145"
    ),
    "a negative index": Damage("WNLI.tsv", line(9, lambda _: b"-7\t0"), 9, "-7 is out of range"),
    "unsorted": Damage(
        "QNLI.tsv", lines(lambda r: moved(r, 5, 200)), 201, "index 4 comes after 199",
        "scored wrongly",
    ),
    "sorted as text": Damage(
        "WNLI.tsv",
        lines(lambda r: [r[0], *sorted(r[1:])]),
        15, "index 11 comes after 109", "scored wrongly", 13,
    ),
    "index with zeros": Damage("QNLI.tsv", line(9, lambda old: b"0" + old), 9, "must be written 7"),
    "float index": Damage(
        "QNLI.tsv", line(9, lambda old: old.replace(b"\t", b".0\t")), 9, "must be written 7"
    ),
    "quoted index": Damage("QNLI.tsv", line(9, lambda _: b'"7"\tentailment'), 9, "be written 7"),
    "index that is no number": Damage("QNLI.tsv", line(9, lambda _: b"7a\tentailment"), 9, "'7a'"),
    "huge index": Damage(
        "QNLI.tsv", line(9, lambda _: b"9" * 5000 + b"\tentailment"), 9, "is not a row number"
    ),
    "unknown label": Damage("QNLI.tsv", value(9, b"maybe"), 9, "'maybe' is not a label of QNLI"),
    "label in capitals": Damage("QNLI.tsv", value(9, b"Entailment"), 9, "differs in case"),
    "label in quotes": Damage("QNLI.tsv", value(9, b'"entailment"'), 9, "quotes round it"),
    "label with a space": Damage("QNLI.tsv", value(9, b"entailment "), 9, "spaces round it"),
    "label missing": Damage("QNLI.tsv", value(9, b""), 9, "there is no prediction"),
    "id for a name": Damage("QNLI.tsv", value(9, b"1"), 9, "'1' is a label's number"),
    "LABEL_0": Damage("RTE.tsv", value(9, b"LABEL_0"), 9, "'LABEL_0' is a label's number"),
    "name for an id": Damage("MRPC.tsv", value(9, b"equivalent"), 9, "is the label's name"),
    "name for an id of wnli": Damage(
        "WNLI.tsv", value(9, b"entailment"), 9, "is the label's name", "probably accepted"
    ),
    "name with a space": Damage("WNLI.tsv", value(9, b" entailment"), 9, "is the label's name"),
    "float for an id": Damage("CoLA.tsv", value(9, b"1.0"), 9, "'1.0' is a label's number"),
    "id out of range": Damage("CoLA.tsv", value(9, b"2"), 9, "'2' is a label's number"),
    "minus one": Damage("SST-2.tsv", value(9, b"-1"), 9, "'-1' is not a label"),
    "two labels for three": Damage("MNLI-m.tsv", value(9, b"not_entailment"), 9, "is not a label"),
    "all labels wrong": Damage(
        "QNLI.tsv", lambda d: d.replace(b"entailment", b"Entailment"), 2, "case", on_lines=5463
    ),
    "bad utf-8": Damage("QNLI.tsv", value(9, b"entail\xffment"), 9, "is not UTF-8"),
    "a nul": Damage("QNLI.tsv", value(9, b"entailment\0"), 9, r"'entailment\x00' is not a label"),
    "nan": Damage("STS-B.tsv", value(9, b"nan"), 9, "'nan' is not a finite number"),
    "infinity": Damage("STS-B.tsv", value(9, b"-inf"), 9, "'-inf' is not a finite number"),
    "above the range": Damage(
        "STS-B.tsv", value(9, b"5.001"), 9, "5.001 is outside of 0 to 5"
    ),
    "below the range": Damage(
        "STS-B.tsv", value(9, b"-0.1"), 9, "-0.1 is outside of 0 to 5"
    ),
    "huge number": Damage("STS-B.tsv", value(9, b"1e999"), 9, "too large"),
    "decimal comma": Damage("STS-B.tsv", value(9, b"3,25"), 9, "decimal comma"),
    "a word for a score": Damage("STS-B.tsv", value(9, b"high"), 9, "'high' is not a number"),
    "a list for a score": Damage("STS-B.tsv", value(9, b"[3.2]"), 9, "'[3.2]' is not a number"),
    "underscored number": Damage("STS-B.tsv", value(9, b"1_0"), 9, "'1_0' is not a number"),
    "the other mnli": Damage(
        "MNLI-m.tsv", lambda _: good_bytes("MNLI-mm.tsv"), 9798, "MNLI-mm.tsv holds as many"
    ),
    "far down": Damage("QQP.tsv", value(390_000, b"2"), 390_000, "'2' is a label's number"),
}  # fmt: skip


def test_there_are_enough_of_them() -> None:
    assert len(DAMAGES) >= 40


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    damage = DAMAGES[name]
    report = report_on(tmp_path, damage.file, damage.change(good_bytes(damage.file)))
    told = [finding for finding in report.findings if damage.said in finding.what]
    assert told, [finding.what for finding in report.findings]
    assert told[0].where == f"{damage.file}:{damage.line}"
    assert told[0].answer == damage.answer
    assert told[0].count == damage.on_lines
    assert report.answer in {damage.answer, "rejected"}


@pytest.mark.parametrize(
    "name",
    ["cr lf", "no header", "cut short", "one row too many", "unsorted", "from one",
     "all labels wrong", "nan", "utf-8 mark", "header of three", "third field", "cr",
     "one field", "index that is no number", "cr lf in the header only"],
)  # fmt: skip
def test_one_mistake_is_not_told_as_many(tmp_path: Path, name: str) -> None:
    damage = DAMAGES[name]
    report = report_on(tmp_path, damage.file, damage.change(good_bytes(damage.file)))
    assert len(report.findings) == 1, [finding.what for finding in report.findings]
    assert report.more == 0


def test_qnli_v1_is_recognised_by_its_rows(tmp_path: Path) -> None:
    report = report_on(tmp_path, "QNLI.tsv", render([b"entailment"] * 5740))
    (finding,) = report.findings
    assert finding.what == "5,740 predictions; there must be 5,463: this is QNLI v1"
    assert finding.answer == "rejected"


@pytest.mark.parametrize("file", sorted(TASK_OF))
def test_a_good_file_is_accepted(tmp_path: Path, file: str) -> None:
    report = report_on(tmp_path, file, good_bytes(file))
    assert report.findings == ()
    assert report.answer == "accepted"
    assert report.rows == report.expected
    assert sum(report.values.values()) == (0 if file == "STS-B.tsv" else report.rows)


@pytest.mark.parametrize("text", [b"3", b"3.", b".5", b"2.50000001", b"1e0", b"5", b"+1.5"])
def test_another_programs_way_to_write_a_score_is_fine(tmp_path: Path, text: bytes) -> None:
    assert not report_on(tmp_path, "STS-B.tsv", value(9, text)(good_bytes("STS-B.tsv"))).findings


def test_findings_are_few_and_the_rest_is_counted(tmp_path: Path) -> None:
    data = good_bytes("QNLI.tsv")
    for number, text in enumerate(
        [b"maybe", b"1", b"Entailment", b'"entailment"', b" entailment", b"", b"\xff"], start=9
    ):
        data = value(number, text)(data)
    report = report_on(tmp_path, "QNLI.tsv", data)
    assert len(report.findings) == 5
    assert report.more == 2
    assert [finding.lines[0] for finding in report.findings] == [9, 10, 11, 12, 13]


def test_a_strangers_text_cannot_reach_the_terminal(tmp_path: Path) -> None:
    report = report_on(
        tmp_path, "QNLI.tsv", value(9, b"\x1b[2J\x1b]0;x\x07")(good_bytes("QNLI.tsv"))
    )
    assert report.findings[0].what.isprintable()


def is_good(data: bytes) -> bool:
    """What a good STS-B file is, said anew and without any of our code."""
    lines = data.split(b"\n")
    if lines[0] != b"index\tprediction" or lines.pop() != b"" or len(lines) != 1380:
        return False
    number = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?")
    for row, line in enumerate(lines[1:]):
        index, tab, score = line.partition(b"\t")
        if index != b"%d" % row or not tab or not number.fullmatch(score):
            return False
        if not 0 <= float(score) <= 5:
            return False
    return True


def test_a_file_is_clean_exactly_if_it_is_good(tmp_path: Path) -> None:
    dice, whole = random.Random(11), good_bytes("STS-B.tsv")
    odd = [b"", b"\0", b"\r", b"\n", b"\t", b",", b" ", b"-", b"e", b"9", b".", b'"', b"\xff", b"1"]
    answers = []
    for _ in range(200):
        data = bytearray(whole)
        place = dice.randrange(len(data)) if dice.random() < 0.8 else dice.randrange(20)
        data[place : place + dice.randint(0, 2)] = dice.choice(odd)
        report = report_on(tmp_path, "STS-B.tsv", bytes(data))
        assert (not report.findings) == is_good(bytes(data)), data[place - 20 : place + 20]
        answers.append(not report.findings)
    assert 10 < sum(answers) < 190
