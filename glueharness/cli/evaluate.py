"""``glueharness evaluate``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, environment_layer, json_option
from glueharness.cli.options import EvaluationCommand
from glueharness.run.config import COMMAND_LINE
from glueharness.settings.fields import Layer

if TYPE_CHECKING:
    from glueharness.plugin.registry import Registry
    from glueharness.run.evaluate import EvaluationRequest
    from glueharness.run.one_run import RunResult


@click.command(cls=EvaluationCommand, name="evaluate")
@click.argument("task", shell_complete=complete.tasks)
@click.option(
    "--run",
    "run_id",
    default="",
    metavar="ID",
    help="The run whose model to score [default: the best of the task].",
    shell_complete=complete.runs,
)
@click.option(
    "--model",
    default=None,
    metavar="NAME",
    help="A model that needs no training here: hf:NAME or hf:FOLDER for a checkpoint that is "
    "fine-tuned already, or one that only predicts.",
    shell_complete=complete.models,
)
@click.option("--rerun", is_flag=True, help="Repeat what was evaluated before.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, /, task: str, run_id: str, *, rerun: bool, as_json: bool, **values: Any
) -> None:
    """Score a model that is trained already on the dev split of TASK, and keep it as a run.

    A task without training data is scored with a run of the task that it is predicted with.

    \b
    glueharness evaluate qnli --data-dir new_rows       the best run of qnli, on other rows
    glueharness evaluate qnli --run latest              the model of one run
    glueharness evaluate qnli --model hf:NAME           a checkpoint that is fine-tuned already
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness.cli.output import print_json, stderr
    from glueharness.cli.results import show_run
    from glueharness.run.evaluate import EvaluationRequest

    registry = App.of(ctx).registry
    given = {name: value for name, value in values.items() if value is not None}
    request = EvaluationRequest(
        task=task,
        layers=[Layer(origin=COMMAND_LINE, values=given), environment_layer()],
        run=run_id,
        rerun=rerun,
    )
    result = _do(request, registry)
    if result.reused:
        stderr().print(
            "this was evaluated already; --rerun repeats",
            style="yellow", markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
    if as_json:
        print_json(dataclasses.asdict(result.record))
    else:
        from glueharness.run.recorded_task import knowing

        spec = knowing(result.record, registry).task(result.record.task)
        show_run(result.record, spec, result.folder.parent)


def _do(request: EvaluationRequest, registry: Registry) -> RunResult:
    from glueharness.cli.progress import ProgressDisplay
    from glueharness.run.evaluate import evaluate

    with ProgressDisplay(runs=1) as display:
        registry.plugins.register(display, "progress display")
        return evaluate(request, registry, display.tell)
