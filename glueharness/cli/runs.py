"""``glueharness runs``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - click reads the annotations' values at run time
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, data_folder, json_option, runs_dirs_option, runs_store
from glueharness.cli.learning_curve import learning_curve
from glueharness.cli.measured import losses, size, speed
from glueharness.cli.output import make_table, percent, print_facts, print_json, stderr, stdout
from glueharness.cli.runs_list import (
    NEWEST,
    Listing,
    columns_option,
    print_runs,
    record_json,
    warn_of_problems,
    where_option,
)
from glueharness.cli.runs_manage import COMMANDS
from glueharness.errors import RunFolderError
from glueharness.record.best import Wanted
from glueharness.record.seals import broken_seals

if TYPE_CHECKING:
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.run.rescore import Rescorer


@click.group(name="runs", invoke_without_command=True)
@where_option
@click.option(
    "--sort", default="", metavar="[-]FIELD",
    help="Sort by a field: numbers and dates from the highest, texts from A; - turns it round "
    "[default: by date, newest last].",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(min=0), metavar="N",
    help=f"Show that many, 0 for all [default: the newest {NEWEST}; all with --json].",
)  # fmt: skip
@columns_option
@runs_dirs_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, runs_dir: tuple[Path, ...], **given: Any) -> None:
    """List the runs, newest last, or show one: glueharness runs show ID.

    \b
    glueharness runs --where 'model=bert-*' --where 'score>80'
    glueharness runs --where tag=paper --sort score --top 10
    glueharness runs --columns id,score,learning_rate,epochs
    """  # noqa: D301 - click's mark against re-wrapping
    if ctx.invoked_subcommand is None:
        print_runs(runs_store(runs_dir, ctx), Listing(**given))


for _command in COMMANDS:
    command.add_command(_command)


@command.command()
@click.argument("run", shell_complete=complete.runs)
@runs_dirs_option
@json_option
def show(run: str, runs_dir: tuple[Path, ...], *, as_json: bool) -> None:
    """Show the run whose id is RUN, or begins or ends with it.

    RUN may also be `latest`, or a task's name for its best run.
    """
    store = runs_store(runs_dir)
    record = _find(store, run)
    if as_json:
        print_json(record_json(record, store))
        return
    _show(record, store)


def _find(store: RunStore, name: str) -> RunRecord:
    """A run by its name, or the best run of a task, with the reason on stderr."""
    if name not in {record.task for record in store.all()}:
        return store.find(name)
    choice = store.best(Wanted(task=name, purpose="show"))
    stderr().print(f"run {choice.record.id}: {choice.why}", markup=False, highlight=False)
    return choice.record


@command.command()
@click.argument("run", required=False, shell_complete=complete.runs)
@click.option("--all", "every", is_flag=True, help="Verify all runs.")
@runs_dirs_option
@json_option
@click.pass_context
def verify(
    ctx: click.Context, run: str | None, runs_dir: tuple[Path, ...], *, every: bool, as_json: bool
) -> None:
    """Check that RUN's predictions, model and scores are what they were when it was completed.

    The scores are computed anew from the predictions and the data's labels; what cannot be checked
    is said. Nothing is fetched from the network.
    """
    if (run is None) != every:
        raise click.UsageError("Name a run, or give --all.", ctx)
    store = runs_store(runs_dir)
    records = store.all() if run is None else [store.find(run)]
    if every:
        warn_of_problems(store)
        if not records:
            raise RunFolderError("there are no runs to verify", where=store.name)
    from glueharness.run.rescore import Rescorer

    rescorer = Rescorer(store, App.of(ctx).registry, data_folder())
    found = {record.id: _verdict(store, record, rescorer) for record in records}
    if as_json:
        print_json(found)
    else:
        for name, verdict in found.items():
            lines = verdict["problems"] or [_SOUND if verdict["sealed"] else _NOT_SEALED]
            lines = [*lines, *(f"not checked: {line}" for line in verdict["not_checked"])]
            for line in lines:
                stdout().print(f"{name}: {line}", markup=False, highlight=False, soft_wrap=True)
    if any(verdict["problems"] for verdict in found.values()) or (every and store.problems):
        ctx.exit(1)


_SOUND = "sealed, unchanged"
_NOT_SEALED = "not sealed: it was not completed, or by an older version"


def _verdict(store: RunStore, record: RunRecord, rescorer: Rescorer) -> dict[str, Any]:
    """What is wrong with a run, and what could not be checked; a broken seal says enough."""
    sealed = bool(record.seals) or not (record.computation is None or record.status != "completed")
    broken = [error.what for error in broken_seals(store.path(record), record)] if sealed else []
    if broken:
        return {"sealed": sealed, "problems": broken, "not_checked": []}
    scored = rescorer.check(record)
    # That an unfinished run has no scores goes without saying.
    unchecked = scored.unchecked if record.status == "completed" else []
    return {"sealed": sealed, "problems": scored.problems, "not_checked": unchecked}


def _definition(record: RunRecord) -> str:
    """Where the task of a run is defined, if it is no installed plugin's."""
    kept = record.definition
    if kept is None:
        return ""
    files = ", ".join(dict.fromkeys(file.path for file in kept.files.values()))
    return f"in the record (.{kept.kind}){f', with the files {files}' if files else ''}"


def _show(record: RunRecord, store: RunStore) -> None:
    data = record.data
    scores = [
        f"{split} {metric} {percent(value)}"
        for split, metrics in record.metrics.items()
        for metric, value in metrics.items()
    ]
    environment, said = record.environment, store.annotations(record)
    print_facts(
        record.id,
        {
            "folder": str(store.path(record)),
            "status": _status(store, record),
            "error": record.error,
            "task": f"{record.task} {record.task_version}".strip(),
            "defined": _definition(record),
            "model": record.model,
            "seed": str(record.seed),
            "scores": ", ".join(scores),
            "loss": losses(record),
            "score kind": "" if record.score_kind == "values" else record.score_kind,
            "marks": ", ".join(record.marks),
            "tags": ", ".join(said.tags),
            "note": said.note,
            "archived": "yes: left out of leaderboards and submissions" if said.archived else "",
            "imported": said.imported,
            "identity": _identity(record),
            "parent": record.parent.id if record.parent else "",
            "data": f"{data.source}: {data.location} {data.revision}".strip(),
            "rows": ", ".join(
                f"{name} {split.rows:,} ({split.standing})" for name, split in data.splits.items()
            ),
            "warnings": "\n".join(record.warnings),
            "started": record.started,
            "speed": speed(record.measured),
            "size": size(record.measured),
            "seconds": ", ".join(f"{name} {value:.1f}" for name, value in record.timings.items()),
            "machine": f"{environment.get('cpu', '')}, {environment.get('cores', '?')} cores",
            "command": " ".join(record.command),
        },
    )
    rows = [[name, _shown(item.value), item.origin] for name, item in record.settings.items()]
    stdout().print(make_table("\nsettings", ["name", "value", "from"], rows))
    if record.history:
        epochs = [
            [
                str(item.epoch),
                percent(item.primary),
                ", ".join(f"{loss:.4f}" for loss in item.losses.values()) or "–",
                ", ".join(f"{name} {_value(value)}" for name, value in item.values.items()),
            ]
            for item in record.history
        ]
        names = ["epoch", "points", "dev loss", "values"]
        stdout().print(make_table("\nepochs", names, epochs))
    console = stdout()
    if curve := learning_curve(record.history, console.width):
        console.print(f"learning curve, by epoch\n\n{curve}", markup=False, highlight=False)


def _shown(value: object) -> str:
    """A setting's value in a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value in (None, "") else str(value)


def _value(value: float | None) -> str:
    """A value of an epoch: steps are whole, however many."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def _status(store: RunStore, record: RunRecord) -> str:
    state = store.state(record)
    if state == "stopped":
        return "stopped: its process is gone without a word; the same command resumes it"
    holder = store.holder(record) if state == "running" else None
    return f"{state}: {holder}" if holder else state


def _identity(record: RunRecord) -> str:
    """What was computed, in short; of an old record what it does not say."""
    computation = record.computation
    if computation is None:
        return (
            f"{record.identity}, of schema {record.schema}: its weights, its task's definition and "
            "the versions were not recorded"
        )
    facts = [computation.model.weights and f"weights {computation.model.weights}"]
    facts += [f"{name} {value}" for name, value in computation.system.items()]
    facts += [f"task by {computation.task.code}", f"model by {computation.model.code}"]
    return f"{record.identity} ({'; '.join(fact for fact in facts if fact)})"
