"""``glueharness bench``."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, environment_layer, json_option
from glueharness.cli.options import SettingsCommand
from glueharness.run.config import COMMAND_LINE, build_config, read_toml, read_toml_grid
from glueharness.settings.fields import Layer
from glueharness_bench.words import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness_bench.estimate import Estimate, Part

_BUSY = 0.5


@click.command(cls=SettingsCommand, name="bench")
@click.argument("tasks", nargs=-1, metavar="[TASK]...", shell_complete=complete.tasks)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1, max=3600),
    default=20.0,
    show_default=True,
    help="How long to train for the measurement.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with settings; options on the command line override it.",
)
@click.option("--seeds", default="", metavar="N", help="Estimate a plan with N seeds.")
@click.option(
    "--grid", multiple=True, metavar="NAME=VALUES", help="Estimate a plan that tries these values."
)
@click.option(
    "--executor",
    default="local",
    show_default=True,
    metavar="NAME",
    help="Where the plan's runs would be done.",
    shell_complete=complete.executors,
)
@click.option("--jobs", type=int, metavar="N", help="How many would be done at a time.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    tasks: tuple[str, ...],
    *,
    seconds: float,
    config: Path | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Estimate how long a run of TASK (qnli if none is named) would take on this machine.

    The model trains for a short while on the data that the run would use. From the measured speed
    and the sizes of the task's complete splits follows the time of the whole run. Nothing is kept.

    Of several tasks, seeds or settings, and with --executor or --jobs, it is the time of the whole
    plan. Workers that share this machine are measured at work together.

    \b
    glueharness bench qnli                            the default model
    glueharness bench mnli --model hf:./my-encoder    any encoder, with any settings of run
    glueharness bench glue --seeds 5 --jobs 2         a whole row of GLUE, two runs at a time
    glueharness bench glue --seeds 5 --executor slurm --jobs 20
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness.run.elsewhere import Where
    from glueharness.run.grid import read_grid
    from glueharness.run.plan import PlanRequest, build_plan, first_seed, parse_seeds
    from glueharness_bench.plan import estimate_plan
    from glueharness_bench.plan_table import show_plan

    seeds, grid = values.pop("seeds"), values.pop("grid")
    where = Where.parse(values.pop("executor"), values.pop("jobs"))
    registry = App.of(ctx).registry
    given = {name: value for name, value in values.items() if value is not None}
    layers = [Layer(origin=COMMAND_LINE, values=given), environment_layer()]
    if config is not None:
        layers.append(read_toml(config))
    names = tasks or ("qnli",)
    alone = len(names) == 1 and [task.name for task in registry.targets(names).tasks] == [*names]
    shown: dict[str, Any]
    show: Callable[[], None]
    if alone and where.here and not seeds and not grid:
        found = _measure(build_config(names[0], layers, registry), registry, seconds)
        shown = {**dataclasses.asdict(found), "seconds": found.seconds}
        show = functools.partial(_show, found)
    else:
        table = read_toml_grid(config) if config else {}
        request = PlanRequest(
            names=names,
            layers=layers,
            seeds=parse_seeds(seeds, first_seed(layers)) if seeds else (),
            grid=read_grid(grid, table, str(config or "")),
        )
        planned = estimate_plan(build_plan(request, registry), registry, where, seconds, _tell)
        shown = dataclasses.asdict(planned)
        show = functools.partial(show_plan, planned)
    if as_json:
        from glueharness.cli.output import print_json

        print_json(shown)
    else:
        show()


def _tell(line: str) -> None:
    from glueharness.cli.output import stderr

    stderr().print(line, markup=False, highlight=False, soft_wrap=True)


def _measure(config: RunConfig, registry: Registry, seconds: float) -> Estimate:
    from glueharness.cli.progress import ProgressDisplay
    from glueharness.plugin.events import RunProgress
    from glueharness_bench.estimate import estimate

    with ProgressDisplay() as display:
        return estimate(
            config,
            registry,
            seconds,
            lambda progress: display.glueharness_run_progress(
                RunProgress(run="", progress=progress)
            ),
        )


def _show(found: Estimate) -> None:
    from rich.text import Text

    from glueharness.cli.output import make_table, stdout

    rows = [_row(part) for part in found.parts]
    rows.append(["whole run", "", "", "", in_words(found.seconds)])
    title = f"{found.task} · {found.model}: estimated from a short measurement"
    console = stdout()
    console.print(make_table(title, ["part", "rows", "rows/s", "times", "takes"], rows))
    for line in _remarks(found):
        console.print(Text(line))


def _row(part: Part) -> list[str]:
    return [
        part.what,
        f"{part.rows:,}" if part.rows else "–",
        "–" if part.rate is None else f"{part.rate:,.0f}",
        str(part.times),
        in_words(part.seconds * part.times),
    ]


def _remarks(found: Estimate) -> list[str]:
    pace = found.pace
    rows = f"{pace.train_rows:,} rows of {found.origin.source} data"
    whole = "the whole recipe" if pace.finished else f"{in_words(pace.seconds)} of training"
    measured = (
        f"Measured: the start-up, {whole} on {rows} ({pace.words:.0f} words per row), and the "
        f"prediction of {pace.dev_rows:,} dev rows. The table applies these speeds to the sizes "
        "of the complete splits."
    )
    lines = [measured]
    if found.origin.sample:
        lines.append(
            "The rows are made-up ones from the bundled sample. Real rows may be longer, and "
            "longer rows take more time. To measure on real rows: --data-dir FOLDER."
        )
    if pace.evaluate is None:
        lines.append(
            "Not measured: prediction, because this model cannot predict before its training ends."
        )
    if found.load is not None and found.load > _BUSY * found.cores:
        lines.append(
            f"The machine was busy before the measurement (load {found.load:.1f} on "
            f"{found.cores} cores). A run on an idle machine would be quicker."
        )
    facts = [f"{name} {value}" for name, value in found.notes.items() if _plain(value)]
    if facts:
        lines.append("The model reports: " + ", ".join(facts))
    return [*lines, *(f"warning: {message}" for message in found.warnings)]


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
