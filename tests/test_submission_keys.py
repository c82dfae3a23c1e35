"""Submission files that name their rows by more than a number, and what a checker notes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    Prediction,
    Report,
    SpecError,
    SplitSpec,
    SubmissionError,
    SubmissionFile,
    TaskSpec,
    WriterSpec,
    hookimpl,
    jsonl_source,
)
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.data.opening import open_data
from glueharness.plugin.registry import Registry
from glueharness.specs import DataOptions
from glueharness.submission.test_data import load_test_splits
from tests.small_task import SmallPlugin, parity, small_plugins
from tests.task_files import write_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE = SubmissionFile(
    name="Parity.jsonl", split="test", values={"even": "0", "odd": "1"}, keys=("page", "line")
)


@dataclass
class KeyWriter:
    """Keeps what it is given, and has something to note."""

    given: list[Prediction] = field(default_factory=list)

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        self.given += predictions
        folder.mkdir(exist_ok=True)
        paths = [folder / one.file.name for one in predictions]
        for path, one in zip(paths, predictions, strict=True):
            rows = zip(one.keys["page"], one.keys["line"], one.values, strict=True)
            path.write_text("".join(f"{' '.join(map(str, row))}\n" for row in rows))
        return paths

    def check(self, path: Path, tasks: Any) -> Report:  # noqa: ARG002 - as the protocol has it
        return Report(path=path, notes=("Send it by post.",))


class KeyPlugin(SmallPlugin):
    """The small task, read from files, with such a submission."""

    def __init__(self, folder: Path | None, **changes: Any) -> None:
        super().__init__()
        self.writer = KeyWriter()
        facts: dict[str, Any] = {"writer": "by-key", "submission": (replace(FILE, **changes),)}
        if folder is not None:
            facts["sources"] = (jsonl_source(folder),)
            facts["splits"] = (
                SplitSpec(name="train", role="train"),
                SplitSpec(name="dev", role="dev"),
                SplitSpec(name="test", role="test"),
            )
        self.task = parity(**facts)

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        return [self.task]

    @hookimpl
    def glueharness_writers(self) -> list[WriterSpec]:
        return [WriterSpec(name="by-key", description="By key.", factory=lambda: self.writer)]


def write_data(folder: Path) -> None:
    for split, count in (("train", 20), ("dev", 8), ("test", 6)):
        rows = [{"text": f"number {n}", "label": ("even", "odd")[n % 2], "page": n // 2,
                 "line": f"{n % 2}"} for n in range(count)]  # fmt: skip
        write_lines(folder / f"{split}.jsonl", rows)


def test_the_writer_gets_the_keys_of_the_rows_and_its_note_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    plugin = KeyPlugin(tmp_path)
    app = App(Registry(small_plugins(plugin)))
    for words in (
        ["run", "parity", "--model", "majority"],
        ["submit", "parity", "--output", "out"],
    ):
        with pytest.raises(SystemExit) as end:
            main(words, app)
        assert not end.value.code, capsys.readouterr().err
    (one,) = plugin.writer.given
    assert one.keys == {"page": ["0", "0", "1", "1", "2", "2"], "line": ["0", "1"] * 3}
    assert "note    Send it by post." in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["submit", "--check", "out/Parity.jsonl", "parity"], app)
    assert "note: Send it by post." in capsys.readouterr().out


def test_only_the_split_of_the_file_needs_the_keys(tmp_path: Path) -> None:
    write_data(tmp_path)
    task = KeyPlugin(tmp_path).task
    registry = Registry(small_plugins(KeyPlugin(tmp_path)))
    data = open_data(task, DataOptions(), registry.sources_for(task))
    assert {"page", "line"} <= {*data.load("test").column_names}
    assert "page" not in data.load("dev").column_names


def test_a_split_without_the_keys_is_refused() -> None:
    registry = Registry(small_plugins(KeyPlugin(None)))
    with pytest.raises(
        SubmissionError, match="by page, line; the test split here lacks page, line"
    ):
        load_test_splits(registry.task("parity"), DataOptions(), registry)


@pytest.mark.parametrize("keys", [("text",), ("label",), "page"])
def test_keys_are_a_tuple_of_columns_that_are_no_texts(keys: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"the keys of Parity\.jsonl must be a tuple of columns"):
        KeyPlugin(tmp_path, keys=keys)
