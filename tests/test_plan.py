"""Several runs as one: expansion, seeds, presets, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    ConfigError,
    GlueharnessError,
    GroupSpec,
    Interrupted,
    PresetSpec,
    TaskSpec,
    UnknownNameError,
    hookimpl,
)
from glueharness.plugin.registry import Registry
from glueharness.run.config import COMMAND_LINE
from glueharness.run.many_runs import run_plan
from glueharness.run.outcomes import by_task
from glueharness.run.plan import PlanRequest, build_plan, parse_seeds, trainable_tasks
from glueharness.settings.fields import Layer
from tests.small_task import parity, small_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.run.plan import PlannedRun
    from glueharness.specs import Scores


def _mean(scores: Scores) -> float | None:
    if set(scores) != {"parity", "parity2"}:
        return None
    return sum(values["dev"]["accuracy"] for values in scores.values()) / 2


class Pair:
    """A second task, a group of both, and presets."""

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        # The small source serves a task of one name only, so that this one fails.
        return [parity(name="parity2"), parity(name="parity3", trained_on="parity")]

    @hookimpl
    def glueharness_groups(self) -> list[GroupSpec]:
        return [
            GroupSpec(
                name="pair",
                title="Pair",
                description="The mean.",
                tasks=("parity", "parity2", "parity3"),
                score=_mean,
            )
        ]

    @hookimpl
    def glueharness_presets(self) -> list[PresetSpec]:
        return [
            PresetSpec(
                name="search",
                description="Two points.",
                settings={"fail": ""},
                grid={"error_every": (2, 5)},
            )
        ]


@pytest.fixture
def registry() -> Registry:
    plugins = small_plugins()
    plugins.register(Pair(), "pair")
    return Registry(plugins)


def plan_for(registry: Registry, folder: Path, *names: str, **more: Any) -> list[PlannedRun]:
    layer = Layer(origin=COMMAND_LINE, values={"model": "oracle", "runs_dir": str(folder)})
    return build_plan(PlanRequest(names=names, layers=[layer], **more), registry)


def test_a_group_stands_for_its_tasks_that_can_be_trained(registry: Registry) -> None:
    assert trainable_tasks(["pair"], registry) == ["parity", "parity2"]
    assert trainable_tasks(["parity2", "pair"], registry) == ["parity2", "parity"]
    with pytest.raises(UnknownNameError, match="did you mean 'pair'"):
        trainable_tasks(["paar"], registry)


def test_seeds_are_a_number_or_a_list() -> None:
    assert parse_seeds("3", 42) == [42, 43, 44]
    assert parse_seeds("1,7,42", 0) == [1, 7, 42]
    assert parse_seeds("9,", 0) == [9]


@pytest.mark.parametrize("text", ["", "0", "-1", "1,1", "a", "1;2", "5000", ",", "1,-2"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--seeds"):
        parse_seeds(text, 0)


def test_a_grid_counts_its_best_point(registry: Registry, tmp_path: Path) -> None:
    plan = plan_for(registry, tmp_path, "parity", seeds=[1, 2], preset="search")
    assert [(p.config.settings.error_every, p.config.options.seed) for p in plan] == [
        (2, 1),
        (2, 2),
        (5, 1),
        (5, 2),
    ]
    assert plan[0].config.origins["error_every"] == "preset search"
    assert plan[0].config.origins["seed"] == "--seeds"
    (task,) = by_task(run_plan(plan, registry, lambda _position, _config: None))
    assert task.values() == {"dev": {"accuracy": [0.8, 0.8]}}


def test_of_a_grid_the_setting_with_the_best_mean_counts_not_the_best_of_each_seed(
    registry: Registry, tmp_path: Path
) -> None:
    plan = plan_for(registry, tmp_path, "parity", seeds=[1, 2], grid={"error_every": (2, 5)})
    outcomes = run_plan(plan, registry, lambda _position, _config: None)
    first = [outcome.record for outcome in outcomes if outcome.record]
    scores = {2: (0.9, 0.1), 5: (0.6, 0.6)}
    for record in first:
        every = record.settings["error_every"].value
        record.primary = scores[every][record.seed - 1]  # type: ignore[index]
    (task,) = by_task(outcomes)
    assert [record.primary for record in task.records] == [0.6, 0.6]


def test_a_preset_does_not_try_what_the_user_gives(registry: Registry, tmp_path: Path) -> None:
    layer = Layer(
        origin=COMMAND_LINE,
        values={"model": "oracle", "runs_dir": str(tmp_path), "error_every": 3},
    )
    plan = build_plan(PlanRequest(names=["parity"], layers=[layer], preset="search"), registry)
    assert [planned.config.settings.error_every for planned in plan] == [3]


def test_a_failed_task_does_not_stop_the_others(registry: Registry, tmp_path: Path) -> None:
    announced: list[str] = []
    plan = plan_for(registry, tmp_path, "parity2", "parity")
    outcomes = run_plan(plan, registry, lambda _position, config: announced.append(config.task))
    assert announced == ["parity2", "parity"]
    assert isinstance(outcomes[0].error, GlueharnessError)
    assert outcomes[1].record is not None
    assert outcomes[1].record.status == "completed"
    failed, done = by_task(outcomes)
    assert (failed.failed, len(failed.records)) == (1, 0)
    assert (done.failed, len(done.records)) == (0, 1)


def test_an_interrupt_stops_the_plan_and_says_how_to_go_on(
    registry: Registry, tmp_path: Path
) -> None:
    layer = Layer(
        origin=COMMAND_LINE,
        values={"model": "oracle", "runs_dir": str(tmp_path), "fail": "interrupt"},
    )
    request = PlanRequest(names=["parity"], layers=[layer], seeds=[1, 2])
    with pytest.raises(Interrupted, match="after 0 of 2 runs") as caught:
        run_plan(build_plan(request, registry), registry, lambda _position, _config: None)
    assert "same command" in caught.value.remedy


def test_the_task_to_start_from_comes_first_and_must_be_there(
    registry: Registry, tmp_path: Path
) -> None:
    plan = plan_for(registry, tmp_path, "parity", "parity2", init_from="parity2")
    assert [planned.config.task for planned in plan] == ["parity2", "parity"]
    assert [planned.init_from for planned in plan] == ["", ""]  # it is usual for neither
    alone = plan_for(registry, tmp_path, "parity", init_from="parity2")
    (outcome,) = run_plan(alone, registry, lambda _position, _config: None)
    assert outcome.error is not None
    assert "there is no run of parity2 with oracle and seed 42" in outcome.error.what
