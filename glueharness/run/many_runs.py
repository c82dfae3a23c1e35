"""Several runs together: done one after another, without repeating completed ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, GlueharnessError, Interrupted, RunFolderError
from glueharness.plugin.status import describe
from glueharness.record.best import Wanted
from glueharness.record.record import MODEL_FOLDER, ParentRecord
from glueharness.record.seals import check_model_seal
from glueharness.record.store import RunStore
from glueharness.run.config import build_config
from glueharness.run.evaluate import evaluate_run
from glueharness.run.one_run import run
from glueharness.run.outcomes import Outcome
from glueharness.run.plan import PRETRAINED
from glueharness.settings.fields import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.run.one_run import RunResult
    from glueharness.run.plan import PlannedRun


def run_plan(
    plan: Sequence[PlannedRun],
    registry: Registry,
    announce: Callable[[int, RunConfig], None],
    tell: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Do every run of a plan; one that fails does not stop the others.

    Args:
        plan: The runs.
        registry: Where names are looked up.
        announce: Called before each run with its position, 0 for the first.
        tell: Hears in one line what is waited for, and which run another one starts from.

    Raises:
        Interrupted: The user stopped it; completed runs are kept and not repeated next time.
    """
    outcomes: list[Outcome] = []
    for position, planned in enumerate(plan):
        config = planned.config
        announce(position, config)
        try:
            result = do_planned(planned, registry, tell)[-1]
            outcomes.append(
                Outcome(
                    config=config_told(planned),
                    result=result,
                    point=planned.point,
                    choose=planned.choose,
                )
            )
        except Interrupted as stop:
            if len(plan) == 1:
                raise
            raise Interrupted(
                f"stopped after {position} of {len(plan)} runs",
                where=stop.where,
                remedy="The same command continues from here.",
            ) from stop
        except GlueharnessError as error:
            outcomes.append(
                Outcome(config=config, error=error, point=planned.point, choose=planned.choose)
            )
        except Exception as error:  # a model's defect must not cost the other tasks their runs
            if len(plan) == 1:
                raise
            failure = GlueharnessError(f"internal error: {describe(error)}")
            outcomes.append(
                Outcome(config=config, error=failure, point=planned.point, choose=planned.choose)
            )
    return outcomes


def do_planned(
    planned: PlannedRun, registry: Registry, tell: Callable[[str], None]
) -> list[RunResult]:
    """Do one run of a plan.

    Args, raises: As :func:`glueharness.run.one_run.run`.

    Returns:
        Its result, the last of the list; before it the training, if that was of another task.
    """
    config = planned.config
    if planned.evaluated:
        tell(
            f"{planned.evaluated} has no training data: it is scored with a run of "
            f"{config.task}, which comes first"
        )
    if planned.init_from:
        config = _started_from(planned, registry, tell)
    result = run(config, registry, tell)
    if not planned.evaluated:
        return [result]
    return [result, evaluate_run(result.record, planned.evaluated, config, registry, tell)]


def config_told(planned: PlannedRun) -> RunConfig:
    """What was asked for, under the task that its result is of."""
    if not planned.evaluated:
        return planned.config
    return dataclasses.replace(planned.config, task=planned.evaluated)


def _started_from(
    planned: PlannedRun, registry: Registry, tell: Callable[[str], None]
) -> RunConfig:
    """The config with the weights of the run that it starts from.

    Raises:
        ConfigError: There is no such run, or the model takes no weights.
        RunFolderError: Its model has changed since it was completed.
    """
    config, options = planned.config, planned.config.options
    store = RunStore(options.runs_dir)
    wanted = Wanted(
        task=planned.init_from,
        purpose="start from",
        model=options.model,
        seed=options.seed,
        remedy=f"Run {planned.init_from} first, or name it in the same command; or begin with the "
        f"pretrained encoder: --init-from {PRETRAINED}",
    )
    try:
        choice = store.best(wanted)
    except RunFolderError as error:
        raise ConfigError(
            f"{config.task} cannot start from {planned.init_from}: {error.what}",
            where=error.where,
            remedy=error.remedy,
        ) from error
    best = choice.record
    check_model_seal(choice.folder, best)
    marks = f", marked {', '.join(best.marks)}" if best.marks else ""
    tell(f"{config.task} starts from run {best.id} ({choice.why}{marks})")
    folder = choice.folder / MODEL_FOLDER
    layer = Layer(origin=f"--init-from {planned.init_from}", values={"weights": str(folder)})
    made = build_config(
        config.task, [layer, *planned.layers], registry, resume=config.resume, rerun=config.rerun
    )
    parent = ParentRecord(id=best.id, identity=best.identity, marks=best.marks)
    return dataclasses.replace(made, parent=parent)
