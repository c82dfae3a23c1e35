"""Test suites for trackers, executors, commands, diagnostics, file kinds, groups and presets.

They need no suite to inherit: there is one check for each, and ``plugins check`` runs it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from glueharness.errors import ConfigError, GlueharnessError
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.loading import load_plugins
from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.specs import Choose, Executor, ExecutorContext, Fact, FileReader
from glueharness.testing.expect import expect, skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.plugin.registry import Registry
    from glueharness.specs import (
        CommandSpec,
        DiagnosticSpec,
        ExecutorSpec,
        FileKindSpec,
        GroupSpec,
        PresetSpec,
        PublishedSpec,
        TrackerSpec,
    )

_EVENTS = "glueharness_run_"


def check_tracker(spec: TrackerSpec) -> None:
    """Its factory makes something that hears of runs, with no hook misspelt.

    Raises:
        AssertionError: It does not.
        unittest.SkipTest: Its library is not installed.
    """
    expect(spec.description.strip(), "description is empty")
    try:
        listener = spec.make(spec.settings())
    except ConfigError as error:  # as the rules say: a library that is missing
        skip(error.what)
    expect(listener is not None, "its factory returned None")
    # In a registry of its own, so that nobody else hears of it.
    status = load_plugins((), PluginChoice()).register(listener, spec.name)
    expect(not status.error, status.error)
    heard = [name for name in status.hooks if name.startswith(_EVENTS)]
    expect(heard, f"it implements no hook called {_EVENTS}…, so it would hear of nothing")


def check_executor(spec: ExecutorSpec) -> None:
    """Its factory makes an executor that can be asked and closed while it has no work.

    Raises:
        AssertionError: It does not.
        unittest.SkipTest: Its library is not installed, or nothing answers here.
    """
    expect(spec.description.strip(), "description is empty")
    with tempfile.TemporaryDirectory() as folder:
        try:
            made: Any = spec.factory(ExecutorContext(folder=Path(folder), jobs=1))
        except ConfigError as error:  # as the rules say: a library that is missing
            skip(error.what)
        kind = type(made).__name__
        expect(isinstance(made, Executor), f"its factory made a {kind}, which is no Executor")
        try:
            expect(list(made.submit([])) == [], "it gives handles for no works")
            expect(list(made.poll(0.0)) == [], "it tells of works that nobody submitted")
            made.stop("unknown")
        finally:
            made.close()


def check_command(spec: CommandSpec) -> None:
    """Its factory makes a command of click's whose help can be shown.

    Raises:
        AssertionError: It does not.
    """
    expect(spec.help.strip(), "help is empty")
    command = spec.factory()
    kind = type(command).__name__
    expect(isinstance(command, click.Command), f"its factory returned a {kind}, no click.Command")
    with click.Context(command, info_name=spec.name) as context:
        expect(command.get_help(context).strip(), "its --help says nothing")


def check_diagnostic(spec: DiagnosticSpec) -> None:
    """It tells facts, without the network.

    Raises:
        AssertionError: It tells something else.
    """
    facts = spec.factory(True)
    kind = type(facts).__name__
    expect(isinstance(facts, list | tuple), f"it told a {kind}, no list of facts")
    for fact in facts:
        expect(isinstance(fact, Fact), f"it told a {type(fact).__name__}, no glueharness.Fact")


def check_file_kind(spec: FileKindSpec) -> None:
    """Its reader refuses a file that is no such file, in words for the file's author.

    Raises:
        AssertionError: It does not.
    """
    expect(spec.description.strip(), "description is empty")
    expect(not spec.name.startswith("."), "the suffix is named without its point")
    reader: Any = spec.factory()
    expect(isinstance(reader, FileReader), f"its factory made a {type(reader).__name__}: no read()")
    path = Path(f"trial.{spec.name}")
    for content in (b"", b"\xff\x00", b"{[(" * 20_000):
        try:
            made = reader.read(path, content)
        except GlueharnessError as error:
            told = error.where or error.what
            expect(path.name in told, f"its error does not name the file: {error}")
        else:
            expect(made is not None, f"it made None of {content[:9]!r}")


def check_group(spec: GroupSpec, registry: Registry) -> None:
    """Its tasks are there, and full marks in all of them are a score within [0, 1].

    Raises:
        AssertionError: They are not.
    """
    expect(spec.title.strip() and spec.description.strip(), "title or description is empty")
    missing = [name for name in spec.tasks if name not in registry.tasks.items]
    expect(not missing, f"there is no task called {', '.join(missing)}")
    score = spec.score({name: _full_marks(name, registry) for name in spec.tasks})
    expect(score is not None, "it gives no score though every task has all of its metrics")
    expect(score is None or 0 <= score <= 1, f"full marks in every task give the score {score}")
    expect(spec.score({}) is None, "it gives a score though no task has one")


def _full_marks(name: str, registry: Registry) -> dict[str, dict[str, float]]:
    task = registry.task(name)
    return {
        split.name: {metric.name: metric.bounds[1] for metric in task.metrics}
        for split in task.splits
    }


def check_preset(spec: PresetSpec, registry: Registry) -> None:
    """Each of its settings is one of ``run``, or of some model.

    Raises:
        AssertionError: One is not.
    """
    expect(spec.description.strip(), "description is empty")
    known = {item.name for item in settings_of(RunOptions)}
    for model in registry.models:
        known |= {item.name for item in settings_of(model.settings)}
    of_tasks = {name for settings in spec.tasks.values() for name in settings}
    unknown = sorted({*spec.settings, *spec.grid, *of_tasks} - known)
    expect(not unknown, f"neither `run` nor any model has a setting {', '.join(unknown)}")
    named = {*spec.tasks, *([spec.init_from] if spec.init_from else [])}
    strange = sorted(named - {*registry.tasks.items})
    expect(not strange, f"there is no task called {', '.join(strange)}")
    expect(len({*spec.seeds}) == len(spec.seeds), "it names a seed twice")
    expect(spec.choose in get_args(Choose), f"it chooses by {spec.choose!r}")
    empty = sorted(name for name, values in spec.grid.items() if not list(values))
    expect(not empty, f"its grid has no value for {', '.join(empty)}")


def check_published(spec: PublishedSpec, registry: Registry) -> None:
    """Its scores are fractions of tasks, splits and metrics that are there, and it says whence.

    Raises:
        AssertionError: They are not.
    """
    expect(spec.source.strip(), "source is empty")
    for problem in _wrong_scores(spec, registry):
        expect(not problem, problem)


def _wrong_scores(spec: PublishedSpec, registry: Registry) -> Iterator[str]:
    for name, splits in spec.scores.items():
        if name not in registry.tasks.items:
            yield f"there is no task called {name}"
            continue
        task = registry.task(name)
        known = {split.name for split in task.splits}, {metric.name for metric in task.metrics}
        for split, metrics in splits.items():
            if split not in known[0]:
                yield f"{name} has no split called {split}"
            for metric, value in metrics.items():
                if metric not in known[1]:
                    yield f"{name} has no metric called {metric}"
                elif not -1 <= value <= 1:
                    yield f"{name}: {metric} is {value}, and a fraction is asked for"
