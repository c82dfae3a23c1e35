"""What a stranger's code raises is told with the plugin's name, and no other part is blamed."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import pytest

from glueharness import CommandSpec, MetricSpec, ModelSpec, PluginError, SourceSpec, hookimpl
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from glueharness.specs import TrackerSpec
from tests.installing import call, fake
from tests.small_task import MemorySource, Oracle, SmallPlugin, parity, small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness import TaskSpec


def explode(*_: object, **__: object) -> Any:
    """Fail as strangers do."""
    raise ValueError("boom")


class Unsavable(Oracle):
    """Fails when all is done."""

    def save(self, folder: Path) -> None:
        """Fail."""
        explode(folder)


class Unreadable(MemorySource):
    """Opens well, and reads nothing."""

    def open(self, task: Any, options: Any) -> Any:
        """Opened data whose `load` fails."""
        data = super().open(task, options)
        return type("Data", (), {"origin": data.origin, "available": ["train"], "load": explode})()


def source(factory: Callable[[], Any]) -> tuple[SourceSpec, ...]:
    """A source of the task's own."""
    return (SourceSpec(name="odd", description="odd", factory=factory, order=1),)


METRIC = MetricSpec(name="accuracy", title="Accuracy", factory=explode)
COMPUTED = MetricSpec(
    name="accuracy", title="Accuracy", factory=lambda _: type("Odd", (), {"compute": explode})()
)
TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "factory": ({"sources": source(explode)}, "the data source 'odd' of plugin 'small' ("),
    "open": (
        {"sources": source(type("Source", (), {"open": explode}))},
        "(this process) failed to open parity: ValueError: boom [test_plugins_blame.py:",
    ),
    "load": (
        {"sources": source(Unreadable)},
        "of plugin 'small' (this process) failed to read the split 'train': ValueError: boom",
    ),
    "metric": (
        {"metrics": (METRIC,)},
        "metric 'accuracy' of the task 'parity' of plugin 'small' (this process) cannot be made: ",
    ),
    "metric's value": (
        {"metrics": (COMPUTED,)},
        "the metric 'accuracy' of the task 'parity' of plugin 'small' (this process) failed: ",
    ),
}


def plugin(task: TaskSpec, factory: Callable[[Any], Any] | None = None) -> Registry:
    """The small plugin with another task or model."""

    class Odd(SmallPlugin):
        @hookimpl
        def glueharness_tasks(self) -> list[TaskSpec]:
            return [task]

        @hookimpl
        def glueharness_models(self) -> list[ModelSpec]:
            (oracle,) = SmallPlugin().glueharness_models()
            made = factory or oracle.factory
            return [
                ModelSpec(name="oracle", description="", factory=made, settings=oracle.settings)
            ]

        @hookimpl
        def glueharness_trackers(self) -> list[TrackerSpec]:
            return [TrackerSpec(name="odd", description="", factory=explode)]

    return Registry(small_plugins(Odd()))


def run(registry: Registry, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one message of a run that fails."""
    with pytest.raises(SystemExit) as end:
        main(["run", "parity", "--model", "oracle", *words], App(registry))
    assert end.value.code == 1
    err = capsys.readouterr().err
    assert "internal error" not in err
    assert err.count("error:") == 1
    assert "glueharness --debug" in err
    return err


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("what", TASKS)
def test_a_task_or_source_that_fails_is_named(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, said = TASKS[what]
    err = run(plugin(parity(**changes)), capsys)
    assert said in err
    assert "model" not in err


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (explode, "the model 'oracle' of plugin 'small' (this process) cannot be made: ValueError"),
        (
            lambda context: Unsavable(context.settings),
            "(this process) failed to save itself: ValueError: boom",
        ),
    ],
)
def test_a_model_that_fails_is_named(
    factory: Callable[[Any], Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = run(plugin(parity(), factory), capsys)
    assert said in err
    assert "plugins show small" in err


def test_a_tracker_that_fails_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    err = run(plugin(parity()), capsys, "--track", "odd")
    assert "the tracker 'odd' of plugin 'small' (this process) cannot be made: ValueError" in err


def test_an_error_that_is_meant_for_the_user_stays(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_: object) -> Any:
        raise PluginError("no such thing", remedy="glueharness --debug")

    assert "error: no such thing\n" in run(plugin(parity(), refuse), capsys)


def test_an_installed_plugin_is_named_with_its_distribution(tmp_path: Path) -> None:
    code = (
        "from glueharness import ModelSpec, hookimpl\n"
        "def make(context):\n    raise ImportError('no module named warp')\n"
        "@hookimpl\ndef glueharness_models():\n"
        "    return [ModelSpec(name='warp', description='Fast.', factory=make)]\n"
    )
    fake(tmp_path / "site", "warp-drive", code)
    words = ("run", "qnli", "--data", "sample", "--model", "warp")
    done = call(*words, sites=(tmp_path / "site",), folder=tmp_path)
    assert done.returncode == 1
    first, second = done.stderr.strip().splitlines()
    assert first == (
        "error: the model 'warp' of plugin 'warp-drive' (warp-drive 1.0) cannot be made: "
        "ImportError: no module named warp [fake_warp_drive.py:3]"
    )
    assert "plugins show warp-drive" in second


def test_a_metric_that_cannot_be_made_is_known_before_the_run_begins(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(plugin(parity(metrics=(METRIC,))), capsys)
    assert not list(tmp_path.rglob("run.json"))


def test_a_metric_that_leaves_its_bounds_is_refused_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class PerCent:
        """Gives per cents where a fraction was promised."""

        def compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
            return {"accuracy": 100.0 * (len(predictions) == len(references))}

    spec = MetricSpec(name="accuracy", title="Accuracy", factory=lambda _: PerCent())
    with pytest.raises(SystemExit) as end:
        main(["run", "parity", "--model", "oracle"], App(plugin(parity(metrics=(spec,)))))
    assert end.value.code == 1
    err = " ".join(capsys.readouterr().err.split())
    said = "the metric 'accuracy' of the task 'parity' gave 100, outside of its bounds 0 to 1"
    assert said in err
    assert "Its MetricSpec must name" in err


def commands_of(*made: click.Command) -> Registry:
    class Commands(SmallPlugin):
        @hookimpl
        def glueharness_commands(self) -> list[CommandSpec]:
            return [
                CommandSpec(name=str(one.name), help="Does it.", factory=partial(copy.copy, one))
                for one in made
            ]

    return Registry(small_plugins(Commands()))


@pytest.mark.parametrize("words", [["odd"], ["oddities", "one"], ["broken-option", "--x", "1"]])
def test_a_command_that_fails_is_named(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    group = click.Group("oddities", commands={"one": click.Command("one", callback=explode)})
    option = click.Option(["--x"], callback=explode)
    commands = commands_of(
        click.Command("odd", callback=explode), group,
        click.Command("broken-option", callback=print, params=[option]),
    )  # fmt: skip
    with pytest.raises(SystemExit) as end:
        main(words, App(commands, own_commands={"run"}))
    assert end.value.code == 1
    err = capsys.readouterr().err
    said = f"the command {words[0]!r} of plugin 'small' (this process) failed: ValueError: boom"
    assert f"error: {said} [test_plugins_blame.py:" in err
    assert "internal error" not in err


def test_a_command_may_refuse_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise PluginError("nothing to do", remedy="Come back later.")

    with pytest.raises(SystemExit) as end:
        main(["odd"], App(commands_of(click.Command("odd", callback=refuse))))
    assert end.value.code == 1
    assert capsys.readouterr().err == "error: nothing to do\nCome back later.\n"
