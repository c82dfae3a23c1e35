"""Every code block of every page is run, in order, as a reader would."""

from __future__ import annotations

import collections
import json
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from glueharness.cli.app import App
from glueharness.record.store import RunStore
from tests.docs_project import (
    QNLI_TEST_ROWS,
    Block,
    Project,
    blocks_of,
    quick_registry,
    write_glue_data,
    write_hub_cache,
)
from tests.installing import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGES = {
    name: ROOT / name if name.isupper() else ROOT / "docs" / f"{name}.md"
    for name in (
        "install",
        "quick-start",
        "qnli",
        "data",
        "runs",
        "evaluate",
        "notebook",
        "submission",
        "leaderboard",
        "report",
        "tasks",
        "performance",
    )
} | {name: ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING")}
ELSEWHERE = {
    "plugins.md": "test_docs_plugins.py",
    "reference.md": "test_meta.py",
    "cluster.md": "test_docs_cluster.py",
}
"""Pages whose blocks are held to the truth by another test."""

EXCEPTIONS = {
    ("README", "checked, not run"): 2,
    ("CONTRIBUTING", "checked, not run"): 1,
    ("quick-start", "checked, not run"): 1,
    ("install", "checked, not run"): 6,
    ("performance", "checked, not run"): 3,
    ("qnli", "quick model"): 2,
    ("runs", "quick model"): 2,
    ("runs", "interrupt"): 1,
}
"""Page and kind of exception to their number; a new one must be defended here."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GLUE download in small."""
    folder = tmp_path_factory.mktemp("download") / "glue_data"
    write_glue_data(folder)
    write_hub_cache(folder.parent / "hub")
    return folder


@pytest.fixture
def project(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    shutil.copytree(data, tmp_path / "glue_data")
    # A run from fresh weights is not submitted of itself, and the pages tell of one with weights.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(data.parent / "hub"))
    monkeypatch.chdir(tmp_path)
    # The sample takes a minute to learn; what is said of it is tested in test_sample.py.
    monkeypatch.setenv("GLUE_DATA_DIR", "glue_data")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return Project(tmp_path, capsys)


def after_readme(project: Project) -> None:
    assert (project.folder / "out" / "QNLI.tsv").read_text().count("\n") == QNLI_TEST_ROWS + 1
    records = RunStore(project.folder / "runs").all()
    assert records[0].model == "bert-tiny"
    assert records[0].history


def after_quick_start(project: Project) -> None:
    records = RunStore(project.folder / "runs").all()
    assert {record.model for record in records} == {"bert-tiny", "majority", "tfidf"}
    assert (project.folder / "out" / "QNLI.tsv").read_text().count("\n") == QNLI_TEST_ROWS + 1


def after_qnli(project: Project) -> None:
    # A tutorial's settings twice, as preset and as options; then 20 points of a grid.
    assert len(project.runs("qnli")) == 2 + 20
    records = RunStore(project.folder / "seeds").all()
    models = collections.Counter(record.model for record in records)
    assert models == {"bert-tiny": 5, "bert-mini": 5}
    compared = next(out for words, out, _ in project.said if words[0] == "compare")
    assert "bert-mini" in compared
    answer = project.names["classify"]({"text": "Who?", "text_pair": "Ada."})
    assert answer["label"] in {"entailment", "not_entailment"}


def after_runs(project: Project) -> None:
    records = RunStore(project.folder / "runs").all()
    assert [record.resumed for record in records].count(1) == 1
    assert next(record for record in records if record.seed == 7).settings["epochs"].value == 5
    assert len({record.task for record in records}) == 9
    whole = next(out for words, out, _ in project.said if words[:2] == ["run", "glue"])
    assert "score" in whole.splitlines()[-2]


def after_submission(project: Project) -> None:
    with zipfile.ZipFile(project.folder / "out" / "submission.zip") as archive:
        assert len(archive.namelist()) == 11
    words, out, _ = project.said[-1]
    assert "--json" in words
    assert json.loads(out)["answer"] == "accepted"


def after_leaderboard(project: Project) -> None:
    said = {" ".join(words): out for words, out, _ in project.said}
    assert "| " in said["leaderboard qnli --format markdown"]
    assert "BERT" in said["leaderboard qnli --published"]


def after_report(project: Project) -> None:
    for name in ("report.html", "board.html"):
        assert "tfidf" in (project.folder / name).read_text(encoding="utf-8")


def after_notebook(project: Project) -> None:
    runs = project.names["runs"]
    assert [run.record.seed for run in runs] == [42, 43, 44]
    assert set(runs.scores) == {"qnli"}


AFTER: dict[str, Callable[[Project], None]] = {
    "README": after_readme,
    "quick-start": after_quick_start,
    "qnli": after_qnli,
    "runs": after_runs,
    "notebook": after_notebook,
    "submission": after_submission,
    "leaderboard": after_leaderboard,
    "report": after_report,
}


def before(name: str, project: Project) -> None:
    """Make the runs that a page takes for granted."""
    if name in {"submission", "report"}:
        project.glueharness(["run", "qnli", "--model", "tfidf"])
    for model in ("bert-tiny", "bert-mini") if name == "leaderboard" else ():
        words = ["run", "qnli", "--model", model, "--seeds", "2"]
        project.glueharness(words, App(quick_registry()))


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if blocks_of(page)])
def test_every_block_of_the_page_runs(name: str, project: Project) -> None:
    before(name, project)
    for block in blocks_of(PAGES[name]):
        project.do(block)
    if name in AFTER:
        AFTER[name](project)


def test_no_page_is_forgotten() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    with_blocks = {page.name for page in pages if "```" in page.read_text(encoding="utf-8")}
    run = {page.name for page in PAGES.values()}
    assert with_blocks <= run | set(ELSEWHERE)
    for test in ELSEWHERE.values():
        assert (ROOT / "tests" / test).is_file()


def test_exceptions_do_not_grow_unseen() -> None:
    found = collections.Counter(
        (name, block.exception)
        for name, page in PAGES.items()
        for block in blocks_of(page)
        if block.exception
    )
    assert found == EXCEPTIONS


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("glueharness run qnil --model majority", "did you mean 'qnli'"),
        ("glueharness rnu qnli", "did you mean 'run'"),
        ("curl https://example.org", "is not run"),
        ("glueharness run qnli | head", "teach this test shell"),
    ],
)
def test_a_wrong_block_fails(body: str, reason: str, project: Project) -> None:
    with pytest.raises(AssertionError, match=reason.replace("'", ".")):
        project.do(Block(kind="bash", body=f"{body}\n"))


@pytest.mark.parametrize(
    "body",
    [
        ".venv/bin/pip install -c constraints.txt -e '.[dve]'",
        ".venv/bin/pip install -c constraint.txt .",
        ".venv/bin/pytest -n 3",
        "python -m benchmarks.finetune --data-folder glue_data",
        "rm -r runs",
    ],
)
def test_a_wrong_command_that_is_only_checked_fails(body: str, project: Project) -> None:
    with pytest.raises(AssertionError):
        project.do(Block(kind="bash", body=f"{body}\n", exception="checked, not run"))
