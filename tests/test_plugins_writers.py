"""A submission writer that breaks the rules is told with the name of its plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from glueharness import WriterSpec, hookimpl
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from tests.small_task import SmallPlugin, parity, small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness import TaskSpec


def explode(*_: object, **__: object) -> Any:
    """Fail as strangers do."""
    raise ValueError("boom")


def writes(answer: Any) -> Callable[[], object]:
    """A factory of writers that write nothing and answer so."""

    class Writer:
        def write(self, _predictions: Any, _folder: Path) -> Any:
            return answer(_folder) if callable(answer) else answer

    return Writer


def checks(answer: Any) -> Callable[[], object]:
    """A factory of writers that write well and answer so when they are to check it."""

    class Checking:
        def write(self, _predictions: Any, folder: Path) -> Any:
            (folder / "Parity.tsv").write_text("index\tprediction\n")
            return [folder / "Parity.tsv"]

        def check(self, _path: Path, _tasks: Any) -> Any:
            return answer() if callable(answer) else answer

    return Checking


WRITERS: dict[str, tuple[Callable[[], object], str]] = {
    "factory raises": (explode, "cannot be made: ValueError: boom"),
    "no writer": (object, "object that cannot write"),
    "None for a writer": (lambda: None, "NoneType that cannot write"),
    "raises": (writes(explode), "failed: ValueError: boom"),
    "None": (writes(None), "told a NoneType"),
    "text": (writes("no.txt"), "told a str"),
    "number": (writes([7]), "told of a int"),
    "files that are not there": (writes(["no.txt"]), "'no.txt', which is not there"),
    "a folder": (writes(lambda folder: [folder]), "which is not there"),
    "nothing": (writes([]), "wrote nothing"),
    "check raises": (checks(explode), "failed to check: ValueError: boom"),
    "check None": (checks(None), "gave a NoneType for a check"),
    "check text": (checks("fine"), "gave a str for a check"),
}


@pytest.mark.parametrize(("factory", "said"), WRITERS.values(), ids=WRITERS)
def test_a_writer_that_breaks_the_rules_is_named(
    factory: Callable[[], object], said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)

    class Odd(SmallPlugin):
        @hookimpl
        def glueharness_tasks(self) -> list[TaskSpec]:
            return [parity(writer="odd")]

        @hookimpl
        def glueharness_writers(self) -> list[WriterSpec]:
            made: Any = factory
            return [WriterSpec(name="odd", description="Writes oddly.", factory=made)]

    app = App(Registry(small_plugins(Odd())))
    with pytest.raises(SystemExit):
        main(["run", "parity", "--model", "oracle"], app)
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(["submit", "parity"], app)
    out, err = capsys.readouterr()
    assert end.value.code == 1
    assert "the submission writer 'odd' of plugin 'small' (this process)" in err
    assert said in err
    assert "internal error" not in err
    assert "written" not in out
