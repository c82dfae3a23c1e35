"""``glueharness rescore``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - click reads the annotations' values at run time
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, data_folder, json_option, runs_dir_option
from glueharness.cli.app import runs_dir as find_runs_dir
from glueharness.cli.output import print_json, stdout
from glueharness.errors import RunFolderError
from glueharness.record.store import RunStore

if TYPE_CHECKING:
    from glueharness.run.rescore import Rescored


@click.command(name="rescore")
@click.argument("run", required=False, shell_complete=complete.runs)
@click.option("--all", "every", is_flag=True, help="Score all completed runs anew.")
@runs_dir_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, run: str | None, runs_dir: Path | None, *, every: bool, as_json: bool
) -> None:
    """Compute RUN's scores anew from its predictions and the data's labels.

    If its task was defined anew since, a corrected metric for instance, and the scores differ, they
    are kept in a run of their own, of the kind `evaluation`: RUN stays as it is. Scores that differ
    though the task is the same are told, and nothing is written: exit code 1, as for predictions
    that are damaged or not there.
    """
    from glueharness.run.rescore import Rescorer

    if (run is None) != every:
        raise click.UsageError("Name a run, or give --all.", ctx)
    store = RunStore(find_runs_dir(runs_dir))
    records = (
        [record for record in store.all() if record.status == "completed"]
        if run is None
        else [store.find(run)]
    )
    if not records:
        raise RunFolderError("there are no completed runs to score", where=str(store.folder))
    rescorer = Rescorer(store, App.of(ctx).registry, data_folder())
    answers = [_answer(rescorer.check(record), store) for record in records]
    if as_json:
        print_json(answers if every else answers[0])
    else:
        for answer in answers:
            _show(answer)
    if any(
        answer["wrong"] or (answer["differs"] and not answer["kept"]) or not answer["metrics"]
        for answer in answers
    ):
        ctx.exit(1)


def _answer(found: Rescored, store: RunStore) -> dict[str, Any]:
    from glueharness.run.rescored_run import keep_rescored

    kept = ""
    if found.other and not found.wrong and found.complete and found.record.computation:
        kept = keep_rescored(found, store).record.id
    return {
        "run": found.record.id,
        "metrics": found.metrics,
        "losses": found.losses,
        "wrong": found.wrong,
        "differs": found.other,
        "not_checked": found.unchecked,
        "kept": kept,
    }


def _show(answer: dict[str, Any]) -> None:
    from glueharness.run.rescore import scores_in_words

    lines = [*answer["wrong"], *answer["differs"]]
    if not lines and answer["metrics"]:
        lines = [f"as recorded: {scores_in_words(answer['metrics'])}"]
    lines += [f"not checked: {line}" for line in answer["not_checked"]]
    if answer["kept"]:
        lines.append(f"the new scores are in run {answer['kept']}")
    for line in lines:
        console = stdout()
        console.print(f"{answer['run']}: {line}", markup=False, highlight=False, soft_wrap=True)
