"""Each option of a command is an argument of the function of that name; exceptions have reasons."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import click
import pytest

from glueharness import ConfigError, UnknownNameError, evaluate, leaderboard, run, submit
from glueharness.api import Submitted, running, session
from glueharness.cli.app import App
from glueharness.cli.data_files import NAMES
from glueharness.cli.evaluate import command as evaluate_command
from glueharness.cli.options import consents_among
from glueharness.cli.run import command as run_command
from glueharness.cli.submit import command as submit_command
from glueharness.plugin.registry import Registry
from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RunOptions
from tests.small_task import small_plugins
from tests.task_files import write_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OUTPUT = {
    "help": "help(run) shows the arguments",
    "help_all": "help(run) shows the arguments",
    "json": "a result has its record, or a method document()",
}
_REASONS = {
    "run": {
        **_OUTPUT,
        "yes": "a call is not asked: nobody can answer in the midst of a notebook",
    },
    "evaluate": _OUTPUT,
    "submit": _OUTPUT,
    "leaderboard": {**_OUTPUT, "format": "the suffix of output says it"},
}
_TEXT = {
    "where": "score>50",
    "columns": "model",
    "sort": "accuracy",
    "by": "run",
    "output": "board.csv",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, where the plugins have the small task."""
    monkeypatch.chdir(tmp_path)
    registry = Registry(small_plugins())
    monkeypatch.setattr(session, "registry", lambda: registry)
    for module in ("running", "commands", "requests", "submitting"):
        monkeypatch.setattr(f"glueharness.api.{module}.registry", lambda: registry)
    return tmp_path


def names_of(command: click.Command) -> set[str]:
    """The long options of a command as arguments; of a switch with two names, the first."""
    app = App()
    app.__dict__["registry"] = session.registry()
    context = click.Context(command, obj=app)
    found = set()
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            long = [name for name in parameter.opts if name.startswith("--")]
            found.add(long[0].removeprefix("--").replace("-", "_"))
    return found


def settings_that_call_takes(*, trains: bool) -> set[str]:
    registry = session.registry()
    kinds: list[type[Any]] = [RunOptions, *(model.settings for model in registry.models)]
    return {
        item.name
        for kind in kinds
        for item in settings_of(kind)
        if trains or not item.info.training
    }


def arguments_of(function: Callable[..., Any]) -> set[str]:
    kinds = inspect.Parameter
    return {
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in {kinds.KEYWORD_ONLY, kinds.POSITIONAL_OR_KEYWORD}
    }


def test_run_has_every_option(here: Path) -> None:
    options = names_of(run_command)
    assert {"grid", "train_file", "learning_rate", "help_all"} <= options
    taken = arguments_of(running.run) | settings_that_call_takes(trains=True) | {*NAMES}
    assert options - taken == set(_REASONS["run"])
    assert arguments_of(running.run) | {*NAMES} <= options
    assert here.is_dir()


def test_evaluate_has_every_option(here: Path) -> None:
    options = names_of(evaluate_command)
    taken = arguments_of(running.evaluate) | settings_that_call_takes(trains=False)
    assert options - taken == set(_REASONS["evaluate"])
    assert here.is_dir()


def test_submit_has_every_option(here: Path) -> None:
    """Each is tried: an option that is not known is refused before anything is looked for."""
    for name in names_of(submit_command) - set(_REASONS["submit"]):
        value: Any = here / "nothing"
        if name in {"run", "model", "data", "writer"}:
            value = "nothing"
        elif name in {"seed", "mix", "offline", "zip", *consents_among(session.registry())}:
            value = 1
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever is wrong, not its name
            submit("parity", **{name: value})
        assert "has no option" not in str(caught.value), name
    for name in _REASONS["submit"]:
        with pytest.raises(ConfigError, match="has no option"):
            submit("parity", **{name: True})


def test_leaderboard_has_every_option(here: Path) -> None:
    made = session.registry().commands.get("leaderboard").factory()
    options = names_of(made)
    assert {"where", "top", "columns"} <= options
    run("parity", model="oracle")
    for name in options - set(_REASONS["leaderboard"]):
        value = here / "runs" if name == "runs_dir" else _TEXT.get(name, 1)
        assert "oracle" in repr(leaderboard("parity", **{name: value})), name
    for name in set(_REASONS["leaderboard"]):
        with pytest.raises(ConfigError, match="has no option"):
            leaderboard("parity", **{name: True})
    assert (here / "board.csv").read_text().startswith("task,")


def test_a_grid_and_a_file_of_settings(here: Path) -> None:
    file = here / "mine.toml"
    file.write_text('model = "oracle"\nseed = 5\n[grid]\nerror_every = [4, 5]\n')
    done = run("parity", config=file)
    assert [each.record.seed for each in done] == [5, 5]
    assert done.scores == {"parity": {"dev": {"accuracy": 0.8}}}
    again = run("parity", config=str(file), grid={"error_every": [5, 2]}, seed=5)
    assert [each.reused for each in again] == [True, False]
    with pytest.raises(ConfigError, match="the grid of"):
        run("parity", model="oracle", grid={"error_every": []})


def test_a_task_of_files_in_a_cell_that_is_executed_twice(here: Path) -> None:
    for split in ("train", "dev"):
        rows = [{"t": f"{split} {n} {n % 2}", "label": ("a", "b")[n % 2]} for n in range(12)]
        write_lines(here / f"cell_{split}.jsonl", rows)

    def cell() -> Any:
        return run(
            train_file="cell_train.jsonl", dev_file=here / "cell_dev.jsonl", text="t",
            model="majority",
        )  # fmt: skip

    assert cell()[0].record.task == "cell"
    assert cell()[0].reused
    assert evaluate("cell").record.kind == "evaluation"
    write_lines(here / "cell_train.jsonl", [{"t": str(n), "label": "abc"[n % 3]} for n in range(9)])
    with pytest.raises(ConfigError, match="called 'cell' already"):
        cell()
    assert run("other", train_file="cell_train.jsonl", dev_file="cell_dev.jsonl", text="t",
               model="majority")[0].record.task == "other"  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"train_file": "a.csv"}, r"run\(\): train_file needs a dev_file"),
        ({"dev_file": "a.csv"}, "need a train_file"),
        ({"train_file": "a.csv", "dev_file": "b.csv", "dataset": "a/b"}, "not both"),
        ({}, "needs a task"),
        ({"executor": "nowhere", "jobs": 2, "tasks": ("parity",)}, "nowhere"),
        ({"jobs": 0, "tasks": ("parity",)}, "at least 1"),
        ({"resume": "latest", "tasks": ("parity",)}, "no unfinished run"),
        ({"resume": "abc", "tasks": ("parity",)}, "abc"),
    ],
)
def test_what_is_wrong_is_said_in_names_of_python(
    here: Path, given: dict[str, Any], said: str
) -> None:
    tasks = given.pop("tasks", ())
    with pytest.raises((ConfigError, UnknownNameError, Exception), match=said) as caught:
        run(*tasks, model="oracle", **given)
    assert "--train-file" not in str(caught.value)
    assert here.is_dir()


def test_runs_by_workers(here: Path) -> None:
    """The workers load the plugins anew: a task that they have."""
    done = run("qnli", model="majority", data="sample", seeds=2, jobs=2, runs_dir=here / "r")
    assert [each.record.seed for each in done] == [42, 43]


def test_a_submission_of_a_run(here: Path) -> None:
    run("parity", model="oracle")
    written = submit("parity", output=here / "sent")
    assert isinstance(written, Submitted)
    assert "dev points" in repr(written)
    assert "<table>" in written._repr_html_()
    assert [path.parent for path in written.paths] == [here / "sent"]
    assert written.document()["files"][0]["task"] == "parity"
    assert json.dumps(written.document())


def test_a_check_of_a_submission(here: Path) -> None:
    (here / "QNLI.tsv").write_text("index\tprediction\n0\tentailment\n")
    report = submit(check=here / "QNLI.tsv")
    assert report.answer == "rejected"
