"""``glueharness predict``."""

from __future__ import annotations

import csv
import errno
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option, runs_dir_option
from glueharness.cli.app import runs_dir as find_runs_dir
from glueharness.cli.options import ConsentsCommand, consents_of
from glueharness.cli.output import print_json, stderr
from glueharness.data.table import Table, is_whole
from glueharness.errors import ConfigError, DataError, did_you_mean
from glueharness.record.best import Choice, Wanted
from glueharness.record.store import RunStore
from glueharness.run.trained_model import task_problem
from glueharness.system.printable import printable
from glueharness.system.user_files import read_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.specs import TaskSpec

_LARGEST_FILE = 1 << 30
_RECORDED = f"{__name__}.recorded"
_WARNED = {
    "sample": "was trained on the bundled sample",
    "fresh": "began from fresh weights, not from pretrained ones",
}


class ColumnsCommand(ConsentsCommand):
    """A command with one option for each text column of the installed tasks, and of TASK."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for the task first: one of data files is known to its runs alone."""
        ctx.meta[_RECORDED], first = _recorded_columns(ctx, args), (args or ["-"])[0]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            if not first.startswith("-") and not ctx.meta[_RECORDED]:
                App.of(ctx).registry.task(first)  # that it does not exist says more
            raise

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then ``--question``, ``--sentence`` and so on."""
        params = super().get_params(ctx)
        own = {param.name for param in params}
        tasks = list(App.of(ctx).registry.tasks)
        users: dict[str, list[str]] = {}
        for task in tasks:
            for column in task.columns:
                users.setdefault(column, []).append(task.name)
        options = [
            click.Option([f"--{column}"], metavar="TEXT", help=f"Text for {', '.join(names)}.")
            for column, names in users.items()
            if column not in own
        ]
        recorded = [
            click.Option([f"--{column}"], metavar="TEXT", help="Text.", hidden=True)
            for column in ctx.meta.get(_RECORDED, ())
            if column not in {*own, *users}
        ]
        return [*params, *options, *recorded]


def _recorded_columns(ctx: click.Context, words: Sequence[str]) -> tuple[str, ...]:
    """The columns of a task that only runs know, if a command's words name one."""
    known = App.of(ctx).registry.tasks.items
    # The task is written first by nearly everybody: then no other word can be it.
    ahead = words[:1] if words and not words[0].startswith("-") else words
    names = {word for word in ahead if not word.startswith("-")} - {*known}
    if not names:
        return ()
    store = RunStore(find_runs_dir(_option_among(words, "--runs-dir")))
    return tuple(
        dict.fromkeys(
            column
            for run in store.all()
            if run.task in names and run.computation is not None
            for column in run.computation.task.columns
        )
    )


def _option_among(words: Sequence[str], option: str) -> Path | None:
    """The value of an option among a command's words."""
    for place, word in enumerate(words):
        if word == option and place + 1 < len(words):
            return Path(words[place + 1])
        if word.startswith(f"{option}="):
            return Path(word.partition("=")[2])
    return None


@click.command(cls=ColumnsCommand, name="predict")
@click.argument("task", shell_complete=complete.tasks)
@click.option(
    "--run",
    "run_id",
    default="",
    help="Run whose model predicts [default: the best of the task].",
    shell_complete=complete.runs,
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Tab-separated file with a header that names the task's columns; - for standard input.",
)
@runs_dir_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    task: str,
    run_id: str,
    file: Path | None,
    runs_dir: Path | None,
    *,
    as_json: bool,
    **texts: Any,
) -> None:
    """Predict texts of your own with a trained model; prints one line per row to stdout.

    \b
    glueharness predict qnli --question "Who wrote it?" --sentence "Ada wrote it in 1843."
    glueharness predict qnli --file pairs.tsv > answers.tsv
    """  # noqa: D301 - click's mark against re-wrapping
    registry = App.of(ctx).registry
    store = RunStore(find_runs_dir(runs_dir))

    from glueharness.run.recorded_task import knowing_named
    from glueharness.run.trained_model import load_trained, predict
    from glueharness.scoring.scorer import decide

    registry = knowing_named([task], store, registry, run=run_id)
    spec = registry.task(task)
    consents = consents_of(ctx, texts)
    given = {name: text for name, text in texts.items() if text is not None}
    split = _read_file(file, spec) if file is not None else _one_row(given, spec)
    choice = _choose(store, registry, spec, run_id)
    record = choice.record
    stderr().print(f"predicting with run {record.id}: {choice.why}", markup=False, highlight=False)
    model = load_trained(store, record, registry, consents=consents)
    scores = predict(model, registry.task(record.task), spec, split)
    rows = Answers(task=spec, values=decide(scores, spec), scores=scores.tolist())
    if as_json:
        print_json({"run": record.id, "predictions": rows.as_json()})
    else:
        rows.write_tsv()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Predictions to be printed.

    Attributes:
        task: The task.
        values: Label names or floats; length n.
        scores: ``[n, k]``, or ``[n]`` for a regression.
    """

    task: TaskSpec
    values: list[Any]
    scores: list[Any]

    def as_json(self) -> list[dict[str, Any]]:
        """One object per row."""
        if self.task.regression:
            return [{"prediction": value} for value in self.values]
        return [
            {"prediction": value, "scores": dict(zip(self.task.labels, scores, strict=True))}
            for value, scores in zip(self.values, self.scores, strict=True)
        ]

    def write_tsv(self) -> None:
        """A header, then one line per row."""
        writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
        labels = [printable(name) for name in self.task.labels]
        writer.writerow(["index", "prediction", *(f"score:{name}" for name in labels)])
        for row, value in enumerate(self.values):
            scores = [] if self.task.regression else [f"{x:.4f}" for x in self.scores[row]]
            shown = f"{value:.3f}" if self.task.regression else printable(value)
            writer.writerow([row, shown, *scores])


def _choose(store: RunStore, registry: Registry, task: TaskSpec, run_id: str) -> Choice:
    """The run that was named, or the best of the task, or of the task it is predicted with."""
    learnt = registry.task(task.trained_on) if task.trained_on else task
    if run_id:
        record = store.find(run_id)
        if record.task != learnt.name:
            raise ConfigError(f"run {record.id} is a run of {record.task}, not of {learnt.name}")
        why = "the one that was asked for"
        choice = Choice(record=record, folder=store.path(record), why=why)
    else:
        wanted = Wanted(
            task=learnt.name,
            purpose="ask",
            metric=learnt.primary.title,
            fits=lambda record: not task_problem(record, learnt),
            remedy=f"Train one first: glueharness run {learnt.name}",
        )
        choice = store.best(wanted)
    for mark, words in _WARNED.items():
        if mark in choice.record.marks:
            stderr().print(f"warning: this model {words}", style="yellow", markup=False)
    return choice


def _one_row(texts: dict[str, str], task: TaskSpec) -> Table:
    wanted = " ".join(f"--{name} TEXT" for name in task.columns)
    if set(texts) != set(task.columns):
        raise ConfigError(
            f"{task.name} needs {' and '.join(task.columns)}",
            remedy=f"Write: glueharness predict {task.name} {wanted}",
        )
    for name, text in texts.items():
        if not is_whole(text):  # Python has half characters in the place of bytes that are none
            raise ConfigError(f"--{name}: the text is not UTF-8")
    return Table({name: [texts[name]] for name in task.columns})


def _read_file(path: Path, task: TaskSpec) -> Table:
    """Read the task's columns by name. Quotes are ordinary characters, as in GLUE's own files.

    Raises:
        DataError: With file and line.
    """
    try:
        raw = _content(path)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        place = raw.count(b"\n", 0, error.start) + 1
        raise DataError("this line is not UTF-8", where=f"{path}:{place}") from error
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    header = lines[0].split("\t")
    missing = [name for name in task.columns if name not in header]
    if missing:
        spare = [name for name in header if name not in task.columns]
        near = "".join(did_you_mean(name, spare) for name in missing[:1])
        raise DataError(
            f"the header lacks {', '.join(missing)}{near}; it has {', '.join(header)}",
            where=f"{path}:1",
            remedy=f"{task.name} needs the columns {', '.join(task.columns)}.",
        )
    _refuse_header(header, task, path, rows=len(lines) - 1)
    places = {name: header.index(name) for name in task.columns}
    columns: dict[str, list[str]] = {name: [] for name in task.columns}
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if len(fields) != len(header):
            raise DataError(
                f"{len(fields)} fields where the header has {len(header)}",
                where=f"{path}:{number}",
                remedy="Fields are parted by one tab each.",
            )
        for name, place in places.items():
            columns[name].append(fields[place])
    return Table(columns)


def _refuse_header(header: list[str], task: TaskSpec, path: Path, *, rows: int) -> None:
    """Refuse a file that does not say which column is meant, or has nothing to predict."""
    twice = next((name for name in task.columns if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"two columns are called {twice}", where=f"{path}:1")
    if not rows:
        raise DataError("the file has a header and no rows", where=str(path))


def _content(path: Path) -> bytes:
    """The bytes of a file, or of standard input.

    Raises:
        OSError: It cannot be read, or never ends.
    """
    if str(path) != "-":
        return read_within(path, _LARGEST_FILE)
    content = sys.stdin.buffer.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise OSError(errno.EFBIG, f"it has more than {_LARGEST_FILE:,} bytes")
    return content
