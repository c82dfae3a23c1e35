"""The suites, the metrics by hand, the marks, and a whole submission of made-up data."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import glueharness_superglue
import pytest
from glueharness_superglue import rows

import glueharness
from glueharness import DataError, DataOptions
from glueharness.plugin.registry import Registry
from glueharness.testing import TaskConformance, WriterConformance

REGISTRY = Registry()
TASKS = ("boolq", "cb", "copa", "multirc", "superglue-rte", "wic", "wsc")
DIAGNOSTICS = ("ax-b", "ax-g")
DOCUMENTED = {"glueharness", "glueharness.authoring.submission_files"}
"""The modules of glueharness that its reference documents, as far as they are used here."""


@pytest.mark.parametrize("name", [*TASKS, *DIAGNOSTICS])
def test_each_task_passes_every_check(name: str, download: Path) -> None:
    class Suite(TaskConformance):
        task = REGISTRY.task(name)
        data = DataOptions(folder=download)

    suite = Suite()
    skipped = []
    for check in [each for each in dir(suite) if each.startswith("test_")]:
        try:
            getattr(suite, check)()
        except unittest_skips() as reason:
            skipped.append(f"{check}: {reason}")
    expected = 4 if name in DIAGNOSTICS else 0  # without a training and a dev split
    assert len(skipped) <= expected, skipped


def unittest_skips() -> type[BaseException]:
    import unittest

    return unittest.SkipTest


class TestSuperGlueWriter(WriterConformance):
    writer = REGISTRY.writers.get("superglue")
    tasks = tuple(REGISTRY.task(name) for name in (*TASKS, *DIAGNOSTICS))


def test_only_documented_names_of_glueharness_are_imported() -> None:
    package = Path(glueharness_superglue.__file__).parent
    imported = set()
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
                if node.module == "glueharness":
                    assert {alias.name for alias in node.names} <= {*glueharness.__all__}
    assert {name for name in imported if name.split(".")[0] == "glueharness"} == DOCUMENTED


def test_multirc_is_scored_as_by_hand() -> None:
    """Three questions of two, three and one answers; the last answer of the second is wrong."""
    task = REGISTRY.task("multirc")
    units = ["0/0", "0/0", "0/1", "0/1", "0/1", "1/2"]
    truth = ["right", "wrong", "right", "right", "wrong", "right"]
    found = ["right", "wrong", "right", "right", "right", "right"]
    scores = {}
    for spec in task.metrics:
        assert spec.unit == "question"
        metric: Any = spec.factory(task)
        if spec.name == "exact_match":
            scores |= metric.compute_grouped(predictions=found, references=truth, units=units)
        else:
            scores |= metric.compute(predictions=found, references=truth)
    # Four right answers, of which all are found, and five are said to be: 2 * 4 / (4 + 5).
    assert scores == {"f1": pytest.approx(8 / 9), "exact_match": pytest.approx(2 / 3)}


def test_multirc_has_a_row_for_each_answer(download: Path) -> None:
    line = (download / "MultiRC" / "val.jsonl").read_text(encoding="utf-8").splitlines()[0]
    made = rows.multirc(json.loads(line))
    assert [row["question"] for row in made] == ["8/16"] * 3 + ["8/17"] * 2
    assert made[0]["answer"] == "What did 8 see? a boat 0"
    assert (made[4]["passage_idx"], made[4]["question_idx"], made[4]["answer_idx"]) == (8, 17, 86)


def test_words_that_are_asked_about_are_marked() -> None:
    record = {"sentence1": "A bank of mud.", "start1": 2, "end1": 6, "sentence2": "Banks lend.",
              "start2": 0, "end2": 5, "label": True, "idx": 3}  # fmt: skip
    assert rows.wic(record) == {
        "sentence1": "A * bank * of mud.", "sentence2": "* Banks * lend.", "label": True, "idx": 3
    }  # fmt: skip
    with pytest.raises(
        DataError, match="start1 and end1 are 6 and 60, which are no part of the 14"
    ):
        rows.wic({**record, "start1": 6, "end1": 60})


@pytest.mark.parametrize(
    ("text", "first", "second", "marked"),
    [
        ("Mark told Pete; he fell.", ("Mark", 0), ("he", 3), "* Mark * told Pete; # he # fell."),
        ("It fell on the big table, oddly.", ("the big table", 3), ("It", 0),
         "# It # fell on * the big table *, oddly."),
        ('She said "he" did.', ("She", 0), ("he", 2), '* She * said "# he #" did.'),
        # Where the words are other than the span says, as many words from there on.
        ("A dog saw it.", ("The dog", 0), ("it", 3), "* A dog * saw # it #."),
    ],
)  # fmt: skip
def test_phrase_and_pronoun_are_marked(
    text: str, first: tuple[str, int], second: tuple[str, int], marked: str
) -> None:
    target = {"span1_text": first[0], "span1_index": first[1], "span2_text": second[0],
              "span2_index": second[1]}  # fmt: skip
    assert rows.wsc({"text": text, "target": target, "idx": 0}) == {"text": marked, "idx": 0}


def test_a_span_beyond_the_text_is_told() -> None:
    target = {"span1_text": "a", "span1_index": 9, "span2_text": "b", "span2_index": 0}
    with pytest.raises(DataError, match="there is no word number 9 in a text of 2 words"):
        rows.wsc({"text": "a b", "target": target})


def call(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "glueharness", *words], cwd=folder, env=environment,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def lines_of(archive: Path, name: str) -> list[Any]:
    with zipfile.ZipFile(archive) as opened:
        return [json.loads(line) for line in opened.read(name).splitlines()]


def test_all_tasks_run_and_their_submission_is_checked(download: Path, tmp_path: Path) -> None:
    done = call(
        "run", "superglue", "--model", "tfidf", "--data-dir", str(download), folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    done = call("submit", "superglue", "--output", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "checked accepted" in done.stdout
    assert "note    ReCoRD.jsonl is not in it" in done.stdout
    archive = tmp_path / "out" / "submission.zip"
    with zipfile.ZipFile(archive) as opened:
        assert sorted(opened.namelist()) == [
            "AX-b.jsonl", "AX-g.jsonl", "BoolQ.jsonl", "CB.jsonl", "COPA.jsonl", "MultiRC.jsonl",
            "RTE.jsonl", "WSC.jsonl", "WiC.jsonl",
        ]  # fmt: skip
    assert lines_of(archive, "BoolQ.jsonl")[1] == {"idx": 1, "label": "true"}
    assert lines_of(archive, "COPA.jsonl")[:2] == [{"idx": 0, "label": 0}, {"idx": 1, "label": 1}]
    assert lines_of(archive, "WSC.jsonl")[0]["label"] == "True"
    assert lines_of(archive, "CB.jsonl")[1]["label"] == "contradiction"
    first = lines_of(archive, "MultiRC.jsonl")[0]
    assert first["idx"] == 0
    assert [question["idx"] for question in first["passage"]["questions"]] == [0, 1]
    answers = first["passage"]["questions"][1]["answers"]
    assert [answer["idx"] for answer in answers] == [5, 6, 7, 8]
    assert {answer["label"] for answer in answers} <= {0, 1}
    done = call("submit", "--check", str(archive), folder=tmp_path)
    assert done.returncode == 0, done.stdout
    done = call("leaderboard", "superglue", folder=tmp_path)
    assert (done.returncode, "SuperGLUE without ReCoRD" in done.stdout) == (0, True), done.stderr
    check_damage(archive, tmp_path)


def check_damage(archive: Path, folder: Path) -> None:
    """What the server would refuse is told, each with its file and line."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    files["CB.jsonl"] = files["CB.jsonl"].replace(b'"neutral"', b'"maybe"', 1)
    files["COPA.jsonl"] = files["COPA.jsonl"].replace(b'"label": 0', b'"label": "0"', 1)
    files["BoolQ.jsonl"] = files["BoolQ.jsonl"].replace(b'{"idx": 7,', b'{"idx": 8,', 1)
    files["MultiRC.jsonl"] = files["MultiRC.jsonl"].replace(b"answers", b"anwsers", 1)
    files["rte.jsonl"] = files.pop("RTE.jsonl")
    files["notes.txt"] = b"hello"
    del files["WSC.jsonl"]
    damaged = folder / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    done = call("submit", "--check", str(damaged), folder=folder)
    assert done.returncode == 1
    for said in (
        "CB.jsonl:3: a label that is none of",
        "COPA.jsonl:1: a label that is none of 0, 1",
        "BoolQ.jsonl:9: a prediction for a row that had one before",
        "MultiRC.jsonl:1: there must be answers and idx, and nothing else",
        "rte.jsonl: the file must be called RTE.jsonl",
        "WSC.jsonl: it is missing",
        "notes.txt: no file of the submission has this name",
    ):
        assert said in done.stdout, done.stdout
    (folder / "broken.zip").write_bytes(archive.read_bytes()[:500])
    done = call("submit", "--check", "broken.zip", "--writer", "superglue", folder=folder)
    assert (done.returncode, "the archive is damaged" in done.stdout) == (1, True)
