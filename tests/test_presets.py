"""The recipes of papers: what each preset resolves to, against tables of the published figures.

The tables are written from the sources that the presets name, not from the presets: a line for
each setting, a column for each task. Several values in one cell are a grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from glueharness import ConfigError, GlueharnessError, PresetSpec, hookimpl
from glueharness.plugin.registry import Registry
from glueharness.run.config import COMMAND_LINE
from glueharness.run.grid import remarks_on
from glueharness.run.many_runs import run_plan
from glueharness.run.outcomes import by_task
from glueharness.run.plan import PRETRAINED, PlanRequest, build_plan
from glueharness.settings.fields import Layer
from tests.small_task import parity, small_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import TaskSpec
    from glueharness.run.plan import PlannedRun

TASKS = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte")
SETTINGS = {
    "lr": "learning_rate", "batch": "batch_size", "epochs": "epochs", "steps": "max_steps",
    "wu": "warmup_ratio", "wu_steps": "warmup_steps", "schedule": "lr_scheduler_type",
    "wd": "weight_decay", "b1": "adam_beta1", "b2": "adam_beta2", "eps": "adam_epsilon",
    "clip": "max_grad_norm", "L": "max_length", "layer": "layerwise_lr_decay",
    "best_epoch": "keep_best", "dropout": "dropout",
}  # fmt: skip

TABLES = {
    "bert": """
        lr 2e-5,3e-5,4e-5,5e-5
        batch 32 | epochs 3 | wu .1 | schedule linear | wd .01 | b1 .9 | b2 .999 | eps 1e-6
        clip 1 | L 128 | best_epoch no | dropout own | seeds 42 | from - | choose mean
    """,
    "roberta": """
        lr 1e-5,2e-5,3e-5
        batch 16,32
        epochs 10 | wu .06 | schedule linear | wd .1 | b1 .9 | b2 .98 | eps 1e-6 | clip 0 | L 512
        best_epoch yes | dropout own | seeds 1,2,3,4,5 | from - | choose median
    """,
    "nomic-bert": """
        lr 1e-5,2e-5,3e-5
        batch 16,32
        epochs 10 | wu .06 | schedule linear | wd 1e-6 | b1 .9 | b2 .98 | eps 1e-6 | clip 0 | L 128
        best_epoch no | dropout own | seeds 42,19,17,717,10536 | from mnli | choose median
    """,
    "cramming": """
        lr 4e-5 | batch 16 | epochs 5 | wu .1 | schedule cosine | wd 0 | b1 .9 | b2 .98 | eps 1e-6
        clip 0 | L 128 | best_epoch no | dropout own | seeds 1,2,3,4,5 | from - | choose median
    """,
    "electra": """
        lr 1e-4 | layer .8 | batch 32 | wu .1 | schedule linear | wd .01 | b1 .9 | b2 .999
        epochs 3 3 3 10 3 3 3 10
        eps 1e-6 | clip 1 | L 128 | best_epoch no | dropout own | from - | choose median
        seeds 1,2,3,4,5,6,7,8,9,10
    """,
    "electra-small": """
        lr 1e-4 | layer .8 | batch 32 | L 128 | clip 1 | wd .01
        epochs 3 3 3 10 3 3 3 10
    """,
    "electra-large": """
        lr 5e-5 | layer .9 | batch 32 | L 128 | clip 1 | wd .01
        epochs 3 3 3 10 3 3 3 10
    """,
    "roberta-released": """
        lr 1e-5 1e-5 1e-5 2e-5 1e-5 1e-5 1e-5 2e-5
        batch 16 32 16 16 32 32 32 16
        steps 5336 20935 2296 3598 113272 123873 33112 2036
        wu_steps 320 1256 137 214 28318 7432 1986 122
        wd .1 | schedule linear | b1 .9 | b2 .98 | eps 1e-6 | clip 0 | L 512 | best_epoch yes
        dropout own | from -
    """,
    "albert": """
        lr 1e-5 1e-5 2e-5 2e-5 5e-5 3e-5 1e-5 3e-5
        batch 16 32 32 16 128 128 32 32
        steps 5336 20935 800 3598 14000 10000 33112 800
        wu_steps 320 1256 200 214 1000 1000 1986 200
        wd .01 | schedule linear | b1 .9 | b2 .999 | eps 1e-6 | clip 1 | L 512 | best_epoch yes
        dropout own | from -
    """,
    "deberta": """
        L 64 128 128 128 320 256 512 320
        lr 2e-5 2e-5 2e-5 2e-5 2e-5 3e-5 2e-5 2e-5
        batch 32 32 32 32 64 64 32 32
        epochs 6 6 6 6 8 3 4 6
        wu_steps 100 500 50 100 500 1000 500 100
        wd .01 | schedule linear | b1 .9 | b2 .999 | eps 1e-6 | clip 1 | best_epoch yes
        from mnli | choose mean | seeds 1234,1235,1236,1237,1238
    """,
    "deberta-large": """
        L 64 128 128 128 320 256 512 320
        lr 7e-6 1e-5 1e-5 7e-6 1e-5 1e-5 1e-5 1e-5
        batch 32 32 32 32 64 64 32 32
        epochs 6 6 6 4 8 3 4 6
        wu_steps 100 500 50 50 500 1000 500 50
        wd .01 | schedule linear | b1 .9 | b2 .999 | eps 1e-6 | clip 1 | best_epoch yes | from mnli
    """,
    "deberta-v3": """
        L 64 128 128 128 320 256 512 320
        lr 5.5e-6 6e-6 6e-6 7e-6 1e-5 7e-6 7e-6 1e-5
        batch 32 32 32 32 64 64 64 32
        epochs 10 8 6 4 6 2 6 6
        wu_steps 50 500 50 50 1000 500 200 50
        wd .01 | schedule linear | b1 .9 | b2 .999 | eps 1e-6 | clip 1 | best_epoch yes | from -
        dropout own | choose mean | seeds 1234,1235,1236,1237,1238
    """,
    # Its decay is not multiplied by the learning rate: 1e-6 at 8e-5 is 0.0125 here, and so on.
    "modernbert": """
        lr 8e-5 8e-5 5e-5 8e-5 5e-5 5e-5 8e-5 5e-5
        wd .0125 .125 .1 .0625 .1 .1 .0625 .2
        epochs 5 2 10 10 10 1 2 3
        batch 64 | wu .1 | schedule linear | b1 .9 | b2 .98 | eps 1e-6 | clip 0 | L 256
        best_epoch yes | dropout own | seeds 1618,42,6033 | from mnli | choose mean
    """,
    "modernbert-large": """
        lr 3e-5 1e-5 8e-5 8e-5 5e-5 3e-5 3e-5 5e-5
        wd .266667 .1 .0625 .125 .16 .333333 .166667 .16
        epochs 5 3 2 10 2 1 2 3
        batch 64 | wu .1 | schedule linear | b1 .9 | b2 .98 | eps 1e-6 | clip 0 | L 256
        best_epoch yes | dropout own | seeds 1618,42,6033 | from mnli | choose mean
    """,
    "tutorial": "lr 2e-5 | batch 16 | epochs 5 | wu 0 | wd .01 | L 512 | seeds 42 | from -",
    "turc2019": """
        lr 3e-4,1e-4,5e-5,3e-5
        batch 8,16,32,64,128
        epochs 4 | seeds 42 | from -
    """,
}
STARTS_FROM_MNLI = {"rte", "mrpc", "stsb"}


def cells(table: str) -> dict[str, list[str]]:
    """The cells of each line, one for each task."""
    found = {}
    for line in table.strip().splitlines():
        for part in line.split("|"):
            name, *values = part.split()
            assert len(values) in {1, len(TASKS)}, part
            found[name] = values if len(values) > 1 else values * len(TASKS)
    return found


def value_of(text: str) -> Any:
    """A cell's value."""
    words = {"yes": True, "no": False, "own": None}
    if text in words or text.isalpha():
        return words.get(text, text)
    return float(text)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def planned(registry: Registry, preset: str, *tasks: str, **more: Any) -> list[PlannedRun]:
    """What would be run with a small encoder that takes every setting of fine-tuning."""
    layers = [Layer(origin=COMMAND_LINE, values={"model": "hf:./no-such-folder"})]
    return build_plan(PlanRequest(names=tasks, layers=layers, preset=preset, **more), registry)


def test_every_preset_has_its_table(registry: Registry) -> None:
    assert {spec.name for spec in registry.presets} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_preset_resolves_to_the_published_figures(registry: Registry, name: str) -> None:
    table = cells(TABLES[name])
    plan = planned(registry, name, *TASKS)
    for place, task in enumerate(TASKS):
        runs = [each for each in plan if each.config.task == task]
        for line, row in table.items():
            cell = row[place]
            if line == "seeds":
                found = dict.fromkeys(each.config.options.seed for each in runs)
                assert list(found) == [int(seed) for seed in cell.split(",")]
            elif line == "from":
                expected = "" if cell == "-" or task not in STARTS_FROM_MNLI else cell
                assert {each.init_from for each in runs} == {expected}, task
            elif line == "choose":
                assert {each.choose for each in runs} == {cell}
            else:
                setting = SETTINGS[line]
                values = {getattr(each.config.settings, setting) for each in runs}
                assert values == {value_of(part) for part in cell.split(",")}, (task, setting)
                origins = {each.config.origins[setting] for each in runs}
                assert origins == {f"preset {name}"}, (task, setting)
        points = {tuple(sorted(each.point.items())) for each in runs}
        sizes = [len(row[place].split(",")) for line, row in table.items() if line != "seeds"]
        expected_points = 1
        for size in sizes:
            expected_points *= size
        assert len(points) == expected_points
        seeds = {each.config.options.seed for each in runs}
        assert len(runs) == len(points) * len(seeds)


def test_every_preset_says_where_it_is_from(registry: Registry) -> None:
    for spec in registry.presets:
        assert spec.name == "tutorial" or "http" in spec.citation or "/" in spec.citation
        told = "\n".join(remarks_on(spec, ["rte"]))
        assert spec.description in told
        assert all(lack in told for lack in spec.lacks)
        assert all(not lack.endswith(".") for lack in spec.lacks)


def test_a_task_that_a_table_lacks_is_told(registry: Registry) -> None:
    albert = registry.presets.get("albert")
    told = remarks_on(albert, ["rte", "wnli"])[-1]
    assert "for wnli" in told
    assert "learning_rate" in told
    assert not any("for rte" in line for line in remarks_on(albert, ["rte"]))
    assert not any(
        "for wnli" in line for line in remarks_on(registry.presets.get("bert"), ["wnli"])
    )


def test_the_user_s_word_counts_more_than_a_preset_s(registry: Registry) -> None:
    layers = [Layer(origin="x", values={"model": "hf:./none", "seed": 7, "learning_rate": 1e-3})]
    request = PlanRequest(names=["rte"], layers=layers, preset="modernbert", init_from=PRETRAINED)
    (run,) = build_plan(request, registry)
    assert run.config.options.seed == 7
    assert run.config.settings.learning_rate == 1e-3
    assert run.config.settings.epochs == 3
    assert run.init_from == ""
    assert len(planned(registry, "modernbert", "rte", seeds=[5])) == 1
    # MNLI in the same command comes first; CoLA alone does not start from it.
    plan = planned(registry, "modernbert", "rte", "mnli")
    assert plan[0].config.task == "mnli"
    assert {each.init_from for each in planned(registry, "modernbert", "cola")} == {""}


class Recipes:
    """Two more tasks, one of which usually starts from the other, and a preset for them."""

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        return [parity(name="parity2", starts_from="parity")]

    @hookimpl
    def glueharness_presets(self) -> list[PresetSpec]:
        return [
            PresetSpec(
                name="recipe", description="Everything.", grid={"error_every": (2, 5)},
                tasks={"parity2": {"error_every": 5}}, seeds=(3, 1, 2), init_from="parity",
                choose="median",
            )
        ]  # fmt: skip


def test_a_preset_s_tasks_seeds_start_and_choice(tmp_path: Path) -> None:
    plugins = small_plugins()
    plugins.register(Recipes(), "recipes")
    registry = Registry(plugins)
    layer = Layer(origin=COMMAND_LINE, values={"model": "oracle", "runs_dir": str(tmp_path)})
    request = PlanRequest(names=["parity", "parity2"], layers=[layer], preset="recipe")
    plan = build_plan(request, registry)
    tried = [(each.config.settings.error_every, each.config.options.seed) for each in plan]
    assert tried == [(2, 3), (2, 1), (2, 2), (5, 3), (5, 1), (5, 2), (5, 3), (5, 1), (5, 2)]
    assert [each.init_from for each in plan] == [""] * 6 + ["parity"] * 3
    outcomes = run_plan(plan[:6], registry, lambda _position, _config: None)
    (task,) = by_task(outcomes)
    assert task.choose == "median"
    assert task.values() == {"dev": {"accuracy": [0.8] * 3}}
    alone = build_plan(
        PlanRequest(names=["parity2"], layers=[layer], preset="recipe", seeds=[9]), registry
    )
    (outcome,) = run_plan(alone, registry, lambda _position, _config: None)
    assert isinstance(outcome.error, GlueharnessError)
    assert "--init-from pretrained" in outcome.error.remedy


def test_a_model_without_the_settings_is_refused(registry: Registry) -> None:
    layers = [Layer(origin=COMMAND_LINE, values={"model": "majority"})]
    with pytest.raises(ConfigError, match="has no setting"):
        build_plan(PlanRequest(names=["rte"], layers=layers, preset="bert"), registry)
