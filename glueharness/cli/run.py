"""``glueharness run``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, environment_layer, json_option, runs_dir
from glueharness.cli.data_files import DataFiles, data_file_options, include
from glueharness.cli.options import SettingsCommand
from glueharness.errors import UnknownNameError
from glueharness.record.store import LATEST, RunStore
from glueharness.run.config import COMMAND_LINE, read_toml, read_toml_grid
from glueharness.run.elsewhere import LOCAL
from glueharness.run.resume import settings_of_run
from glueharness.settings.fields import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.elsewhere import Where
    from glueharness.run.grid import Space
    from glueharness.run.outcomes import Outcome
    from glueharness.run.plan import PlannedRun, PlanRequest


class RunCommand(SettingsCommand):
    """``run``, whose short help leaves out what few runs need."""

    advanced = frozenset({"init_from", "executor", "yes", "test_file", "label", "dev_split"})

    def invoke(self, ctx: click.Context) -> Any:
        """Do the command; one of several processes that were started with it helps the first."""
        from glueharness.cli.launched import together

        with together(ctx) as first:
            return super().invoke(ctx) if first else None


@click.command(cls=RunCommand, name="run")
@click.argument("tasks", nargs=-1, metavar="TASK...", shell_complete=complete.tasks)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with settings; options override it.",
)
@click.option(
    "--seeds",
    default="",
    metavar="N|LIST",
    help="Run each task with N seeds, or with these: 5, or 1,7,42.",
)
@click.option(
    "--preset", default="", metavar="NAME", help="Settings of a paper or tutorial, by name."
)
@click.option(
    "--init-from",
    default="",
    metavar="TASK",
    help="Start the tasks that usually start from TASK from the encoder of its run with the same "
    "model and seed; pretrained: none of them does, whatever the preset says.",
    shell_complete=complete.tasks,
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value="latest",
    default="",
    metavar="[ID]",
    help="Resume this unfinished run; without ID, the latest one with these settings.",
    shell_complete=complete.runs,
)
@click.option("--rerun", is_flag=True, help="Repeat runs that were completed before.")
@click.option(
    "--grid",
    multiple=True,
    metavar="NAME=VALUES",
    help="Try these values of a setting: learning_rate=1e-5,3e-5; several make all combinations.",
)
@click.option(
    "--search",
    default="",
    metavar="N",
    help="Try N settings, each chosen by how others did.",
)
@click.option(
    "--executor",
    default=LOCAL,
    show_default=True,
    metavar="NAME",
    help="Where the runs are done: `glueharness plugins show executors` lists the places.",
    shell_complete=complete.executors,
)
@click.option("--jobs", type=int, metavar="N", help="Do so many runs at a time.")
@click.option("--yes", is_flag=True, help="Do not ask before very many runs.")
@data_file_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    tasks: tuple[str, ...],
    config: Path | None,
    *,
    seeds: str,
    preset: str,
    init_from: str,
    resume: str,
    rerun: bool,
    grid: tuple[str, ...],
    search: str,
    executor: str,
    jobs: int | None,
    yes: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Train a model on TASK, score it on the dev split, and keep everything in a run folder.

    Several tasks, a group of tasks (glue) and several seeds are done one after the other; what is
    there already is not repeated, so that the same command continues after an interruption.

    \b
    glueharness run qnli                                   the default model, on the data it finds
    glueharness run qnli --data-dir glue_data --epochs 5   the official download
    glueharness run qnli --model hf:./my-encoder --seed 7  any encoder, from a folder or the hub
    glueharness run qnli --model tfidf                     a baseline without PyTorch
    glueharness run glue --seeds 5 --jobs 2                a whole row of GLUE, two runs at a time
    glueharness run --train-file a.csv --dev-file b.csv --text sentence   files of your own
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness.run.elsewhere import Where
    from glueharness.run.grid import read_grid, read_space
    from glueharness.run.plan import PlanRequest, first_seed, parse_seeds

    where = Where.parse(executor, jobs)
    files = DataFiles.taken_from(values)
    registry = App.of(ctx).registry
    tasks = _tasks(tasks, files, registry, offline=bool(values.get("offline")))
    given = {name: value for name, value in values.items() if value is not None}
    layers = [Layer(origin=COMMAND_LINE, values=given), environment_layer()]
    if config is not None:
        layers.append(read_toml(config))
    table = {} if config is None else read_toml_grid(config)
    if resume not in {"", LATEST}:
        layers.extend(layers_of_run(resume, layers, registry))
    _refuse_recorded(tasks, layers, registry)
    request = PlanRequest(
        names=tasks,
        layers=layers,
        seeds=parse_seeds(seeds, first_seed(layers)) if seeds else (),
        preset=preset,
        init_from=init_from,
        resume=resume,
        rerun=rerun,
        grid={} if search else read_grid(grid, table, str(config or "")),
    )
    if search:
        space = read_space(grid, table, str(config or ""))
        outcomes = _search(request, space, search, where, registry)
    else:
        outcomes = _do(_confirmed(request, registry, yes=yes), registry, where)
    _tell_reused(outcomes, "" if search else "; --rerun repeats")
    if as_json:
        _print_json(outcomes)
    else:
        _show(outcomes, registry, tasks)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        ctx.exit(1)


def _tasks(
    names: tuple[str, ...], files: DataFiles, registry: Registry, *, offline: bool
) -> tuple[str, ...]:
    """The names of the tasks to run; a task of the user's data is made first."""
    from glueharness.cli.output import stderr

    if not files.given:
        if not names:
            raise click.UsageError("Missing argument 'TASK...'.")
        return names
    if len(names) > 1:
        raise click.UsageError(
            "With --train-file or --dataset, give one TASK at most: the new task's name."
        )
    draft = files.draft(names[0] if names else "", Path(), registry, offline=offline)
    include(draft, registry)
    stderr().print(files.told(draft), markup=False, highlight=False, soft_wrap=True)
    return (draft.name,)


def _refuse_recorded(names: Sequence[str], layers: Sequence[Layer], registry: Registry) -> None:
    """Say of a task that only runs know how it is trained on again.

    Raises:
        UnknownNameError: It is one.
    """
    known = {*registry.tasks.items, *registry.groups.items, *(t.group for t in registry.tasks)}
    unknown = [name for name in names if name not in known]
    runs = _store(layers).all() if unknown else []
    for run in reversed(runs):
        if run.task in unknown and run.definition is not None:
            raise UnknownNameError(
                f"there is no task called {run.task!r} here: run {run.id} was made of files or a "
                "data set that its command named",
                remedy="Name them again (--train-file FILE --dev-file FILE --text FIELD, or "
                f"--dataset NAME, or --plugin FILE); `glueharness runs show {run.id}` shows the "
                "command. To do that very run again: glueharness reproduce " + run.id,
            )


def _store(layers: Sequence[Layer]) -> RunStore:
    folders = [layer.values["runs_dir"] for layer in layers if "runs_dir" in layer.values]
    return RunStore(runs_dir(Path(str(folders[0])) if folders else None))


def layers_of_run(run: str, layers: Sequence[Layer], registry: Registry) -> list[Layer]:
    """What the user of an earlier run chose, so that its settings need not be repeated."""
    return settings_of_run(_store(layers).find(run), registry)


def _confirmed(request: PlanRequest, registry: Registry, *, yes: bool) -> list[PlannedRun]:
    """The runs that are asked for, once the user knows how many they are."""
    from glueharness.cli.many import confirm_many
    from glueharness.run.plan import build_plan

    plan = build_plan(request, registry)
    _tell_preset(request.preset, [each.config.task for each in plan], registry)
    confirm_many(plan, len(request.seeds), yes=yes)
    return plan


def _search(
    request: PlanRequest, space: Space, text: str, where: Where, registry: Registry
) -> list[Outcome]:
    """Search for settings. If there is a single run, its error is the command's error."""
    from glueharness.cli.plan_progress import PlanDisplay
    from glueharness.run.search import SearchRequest, parse_search, run_search

    searcher, count = parse_search(text)
    wanted = SearchRequest(
        request=request, space=space, count=count, searcher=searcher, where=where
    )
    _tell_preset(request.preset, request.names, registry)
    with PlanDisplay() as display:
        display.expect(count * max(1, len(request.seeds)))
        outcomes = run_search(wanted, registry, display.hear, display.tell)
    if len(outcomes) == 1 and outcomes[0].error is not None:
        raise outcomes[0].error
    return outcomes


def _do(plan: Sequence[PlannedRun], registry: Registry, where: Where) -> list[Outcome]:
    """Run a plan. If it has a single run, its error is the command's error."""
    if where.here:
        from glueharness.cli.progress import ProgressDisplay
        from glueharness.run.many_runs import run_plan

        with ProgressDisplay(runs=len(plan)) as display:
            registry.plugins.register(display, "progress display")
            outcomes = run_plan(plan, registry, display.announce, display.tell)
    else:
        from glueharness.cli.plan_progress import PlanDisplay
        from glueharness.run.elsewhere import run_elsewhere

        with PlanDisplay() as plan_display:
            plan_display.expect(len(plan))
            outcomes = run_elsewhere(plan, registry, where, plan_display.hear)
    if len(outcomes) == 1 and outcomes[0].error is not None:
        raise outcomes[0].error
    return outcomes


def _print_json(outcomes: Sequence[Outcome]) -> None:
    from glueharness.cli.output import print_json

    values = [
        dataclasses.asdict(outcome.record)
        if outcome.record is not None
        else {
            "task": outcome.config.task,
            "status": "stopped early" if outcome.stopped else "failed",
            "settings": dict(outcome.point),
            "error": "" if outcome.error is None else str(outcome.error),
            "worker": outcome.worker,
        }
        for outcome in outcomes
    ]
    print_json(values[0] if len(values) == 1 else values)


def _tell_preset(preset: str, tasks: Sequence[str], registry: Registry) -> None:
    """Say on stderr what of a preset's source the runs are not."""
    from glueharness.cli.output import stderr
    from glueharness.run.grid import remarks_on

    if preset:
        lines = remarks_on(registry.presets.get(preset), tasks)
        stderr().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _tell_reused(outcomes: Sequence[Outcome], remedy: str) -> None:
    """Say on stderr which runs were not repeated, and that no tracker was called for them."""
    from glueharness.cli.output import stderr

    reused = [outcome for outcome in outcomes if outcome.reused]
    if not reused:
        return
    what = "this run was" if len(outcomes) == 1 else f"{len(reused)} of {len(outcomes)} runs were"
    unheard = dict.fromkeys(outcome.config.options.track for outcome in reused)
    missed = f", so {', '.join(filter(None, unheard))} heard nothing of it" if any(unheard) else ""
    stderr().print(
        f"{what} there already{missed}{remedy}",
        style="yellow", markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _show(outcomes: Sequence[Outcome], registry: Registry, names: Sequence[str]) -> None:
    from glueharness.cli.results import show_plan, show_run

    if len(outcomes) == 1 and outcomes[0].record is not None:
        task = registry.task(outcomes[0].config.task)
        show_run(outcomes[0].record, task, outcomes[0].config.options.runs_dir)
    else:
        groups = [registry.groups.get(name) for name in names if name in registry.groups.items]
        show_plan(outcomes, registry, groups)
