"""Doing a run again from its record: the same numbers, or a word on what differs or is missing."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    ConfigError,
    DataOptions,
    DataOrigin,
    ModelSpec,
    PluginError,
    RunFolderError,
    SourceSpec,
    hookimpl,
)
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.best import Wanted
from glueharness.record.reproductions import without_reproductions
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.seals import seal
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.evaluate import EvaluationRequest, evaluate
from glueharness.run.one_run import run
from glueharness.run.reproduce import reproduce
from glueharness.settings.fields import Layer
from tests.native_tools import needs_library
from tests.small_task import MemoryData, SmallPlugin, parity, rows, small_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import Model, ModelContext, TaskSpec
    from glueharness.record.record import RunRecord


class Changed(SmallPlugin):
    """The small plugin with another task of the name."""

    def __init__(self, task: TaskSpec) -> None:
        super().__init__()
        self.task = task

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """It."""
        return [self.task]


class OtherRows:
    """A source whose dev rows are fewer."""

    def open(self, task: TaskSpec, options: DataOptions) -> MemoryData:
        """Always there."""
        assert task
        assert options
        origin = DataOrigin(source="memory", location="made in a test")
        return MemoryData(origin, {"train": rows(20), "dev": rows(8)})


def registry_of(plugin: SmallPlugin | None = None) -> Registry:
    return Registry(small_plugins(plugin))


def train(folder: Path, registry: Registry, task: str = "parity", **values: Any) -> RunRecord:
    given = {"model": "oracle", "runs_dir": str(folder), **values}
    config = build_config(task, [Layer(origin=COMMAND_LINE, values=given)], registry)
    return run(config, registry).record


def change(folder: Path, **fields: Any) -> None:
    path = folder / RUN_FILE
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, **fields}), encoding="utf-8")


def test_a_run_is_reproduced_beside_the_first_one(tmp_path: Path) -> None:
    registry = registry_of()
    first = train(tmp_path, registry, error_every="5", seed="7", limit_train="12")
    before = (tmp_path / first.id / RUN_FILE).read_bytes()
    found = reproduce(first.id, RunStore(tmp_path), registry)
    assert found.identical
    assert found.same_model
    assert found.splits["dev"].other == 0
    assert found.splits["dev"].largest == 0
    assert found.environment == {}
    again = read_record(found.result.folder)
    assert again.id != first.id
    assert again.reproduction_of is not None
    assert again.reproduction_of.id == first.id
    assert again.reproduction_of.identity == first.identity
    assert (again.identity, again.seed, again.metrics) == (first.identity, 7, first.metrics)
    assert (tmp_path / first.id / RUN_FILE).read_bytes() == before


def test_other_numbers_are_told(tmp_path: Path) -> None:
    registry = registry_of()
    first = train(tmp_path, registry)
    other = train(tmp_path, registry, error_every="5")
    file = "predictions/dev.parquet"
    shutil.copy(tmp_path / other.id / file, tmp_path / first.id / file)
    change(tmp_path / first.id, seals=seal(tmp_path / first.id), metrics=other.metrics, primary=0.8)
    found = reproduce(first.id, RunStore(tmp_path), registry)
    assert not found.identical
    assert found.splits["dev"].other == 2
    assert found.splits["dev"].largest == 1.0
    assert found.first.metrics == {"dev": {"accuracy": 0.8}}
    assert found.again.metrics == {"dev": {"accuracy": 1.0}}


def test_the_command_tells_scripts_whether_numbers_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_of()
    first = train(tmp_path, registry)

    def command(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            main(["reproduce", *words, "--runs-dir", str(tmp_path)], app=App(registry))
        return int(end.value.code or 0), capsys.readouterr().out

    code, text = command("latest")
    assert code == 0
    assert f"identical to run {first.id}: every prediction, bit by bit" in text
    change(tmp_path / first.id, metrics={"dev": {"accuracy": 0.9}}, primary=0.9)
    code, text = command(first.id, "--json")
    assert code == 1
    values = json.loads(text)
    assert values["identical"] is False
    assert values["metrics"]["first"] == {"dev": {"accuracy": 0.9}}
    assert values["metrics"]["again"] == {"dev": {"accuracy": 1.0}}
    code, text = command(first.id)
    assert code == 1
    assert f"NOT identical to run {first.id}" in text
    assert "90.00   100.00" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "v2"}, "task version is another one now (none then, v2 now)"),
        ({"labels": ("odd", "even")}, "task labels is another one now"),
        (
            {"sources": (SourceSpec(name="memory", description="", factory=OtherRows, order=1),)},
            "the rows of dev are others now",
        ),
        ({"sources": ()}, "data source"),
    ],
)
def test_what_has_changed_since_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    first = train(tmp_path, registry_of())
    registry = registry_of(Changed(parity(**changes)))
    with pytest.raises(RunFolderError) as caught:
        reproduce(first.id, RunStore(tmp_path), registry)
    assert caught.value.what.startswith(f"run {first.id} cannot be reproduced: ")
    assert said in caught.value.what
    assert len(RunStore(tmp_path).all()) == 1


def test_a_setting_that_there_is_not_is_the_records_and_no_command_lines(tmp_path: Path) -> None:
    registry = registry_of()
    first = train(tmp_path, registry, error_every="5")
    record = json.loads((tmp_path / first.id / RUN_FILE).read_text(encoding="utf-8"))
    for name, value in (("warp", 9), ("error_every", "often")):
        setting = {"value": value, "origin": COMMAND_LINE, "changes_result": True}
        change(tmp_path / first.id, settings={**record["settings"], name: setting})
        with pytest.raises(RunFolderError, match="cannot be reproduced: ") as caught:
            reproduce(first.id, RunStore(tmp_path), registry)
        assert str(caught.value).startswith(f"run {first.id} cannot be reproduced: ")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    registry = registry_of()
    with pytest.raises(PluginError, match="the model broke"):
        train(tmp_path, registry, fail="error")
    store = RunStore(tmp_path)
    with pytest.raises(RunFolderError, match="it is not complete, its status is failed"):
        reproduce("latest", store, registry)
    first = train(tmp_path, registry)
    with pytest.raises(
        RunFolderError, match="cannot be reproduced: no plugin here has the task 'parity'"
    ):
        reproduce(first.id, RunStore(tmp_path), Registry(load_plugins()))
    (tmp_path / first.id / "predictions" / "dev.parquet").unlink()
    with pytest.raises(RunFolderError, match="a sealed file cannot be read"):
        reproduce(first.id, RunStore(tmp_path), registry)
    change(tmp_path / first.id, schema=1)
    with pytest.raises(RunFolderError, match="its record, of an older version, does not say what"):
        reproduce(first.id, RunStore(tmp_path), registry)


class Away(SmallPlugin):
    """The small plugin, whose model needs what this machine lacks."""

    @hookimpl
    def glueharness_models(self) -> list[ModelSpec]:
        """It."""
        (model,) = super().glueharness_models()
        return [dataclasses.replace(model, factory=self.make)]

    def make(self, context: ModelContext) -> Model:
        """Say what to do instead, as for `run`."""
        assert context.task.name == "parity"
        raise ConfigError("--device cuda: no GPU here", remedy=self.remedy)

    remedy = "Use --device auto."


def test_no_option_is_advised_that_the_command_lacks(tmp_path: Path) -> None:
    first = train(tmp_path, registry_of())
    plugin = Away()
    for remedy, kept in (
        ("Use --device auto.", False),
        ("Give the folder: --data-dir DIR", True),
        ("Train it again: glueharness run parity --seed 3", True),
        ("Insert a GPU.", True),
    ):
        plugin.remedy = remedy
        with pytest.raises(RunFolderError, match="--device cuda: no GPU here") as caught:
            reproduce(first.id, RunStore(tmp_path), registry_of(plugin))
        assert caught.value.remedy == (remedy if kept else "")


def test_an_engine_that_is_not_there_is_refused(tmp_path: Path) -> None:
    registry = Registry(load_plugins())
    values = {"data": "sample", "limit_train": "8", "epochs": "1", "engine": "native"}
    try:
        first = train(tmp_path, registry, "rte", model="bert-tiny", **values)
    except ConfigError:
        pytest.skip("the native engine is not compiled")
    del registry.engines.items["native"]
    with pytest.raises(RunFolderError, match="--engine native: there is no such engine"):
        reproduce(first.id, RunStore(tmp_path), registry)


def test_a_reproduction_is_no_further_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_of()
    first = train(tmp_path, registry, error_every="5")
    second = train(tmp_path, registry, error_every="5", seed="43")
    again = reproduce(first.id, RunStore(tmp_path), registry).again
    store = RunStore(tmp_path)
    assert [record.id for record in without_reproductions(store.all())] == [first.id, second.id]
    with pytest.raises(SystemExit):
        main(["leaderboard", "--json", "--runs-dir", str(tmp_path)], app=App(registry))
    text = capsys.readouterr().out
    assert first.id in text
    assert again.id not in text
    # A better score of the same computation is no reason to prefer it.
    change(tmp_path / again.id, metrics={"dev": {"accuracy": 1.0}}, primary=1.0)
    best = RunStore(tmp_path).best(Wanted(task="parity", purpose="show", model="oracle"))
    assert best.record.id == first.id
    done = store.completed(first.identity)
    assert done is not None
    assert done.id == first.id
    # Where the first one is gone, the reproduction stands for it: what it computed is there.
    shutil.rmtree(tmp_path / first.id)
    store = RunStore(tmp_path)
    assert [record.id for record in without_reproductions(store.all())] == [second.id, again.id]
    done = store.completed(first.identity)
    assert done is not None
    assert done.id == again.id


def test_an_unfinished_reproduction_is_not_resumed_by_a_run(tmp_path: Path) -> None:
    registry = registry_of()
    first = train(tmp_path, registry)
    again = reproduce(first.id, RunStore(tmp_path), registry).again
    shutil.rmtree(tmp_path / first.id)
    change(tmp_path / again.id, status="interrupted")
    new = train(tmp_path, registry)
    assert new.id != again.id
    assert new.reproduction_of is None


def test_an_evaluation_is_reproduced_with_its_model(tmp_path: Path) -> None:
    registry = registry_of()
    trained = train(tmp_path, registry, error_every="5")
    layer = Layer(origin=COMMAND_LINE, values={"runs_dir": str(tmp_path), "limit_dev": "7"})
    request = EvaluationRequest(task="parity", layers=[layer], run=trained.id)
    first = evaluate(request, registry).record
    # Runs may be renamed: what was computed finds the model.
    (tmp_path / trained.id).rename(tmp_path / "renamed")
    found = reproduce(first.id, RunStore(tmp_path), registry)
    assert found.identical
    assert found.again.kind == "evaluation"
    assert found.again.identity == first.identity
    assert found.splits["dev"].rows == 7


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"model": "bert-tiny", "engine": "native"}, marks=needs_library),
        pytest.param({"model": "bert-tiny", "engine": "torch"}, marks=pytest.mark.slow),
        pytest.param({"model": "tfidf"}),
    ],
)
def test_real_models_are_reproduced_bit_by_bit(tmp_path: Path, values: dict[str, str]) -> None:
    registry = Registry(load_plugins())
    epochs = {"epochs": "2", "threads": "1"} if values["model"] == "bert-tiny" else {}
    first = train(tmp_path, registry, "rte", data="sample", limit_train="48", **values, **epochs)
    found = reproduce("latest", RunStore(tmp_path), registry)
    assert found.identical
    assert found.same_model
    assert found.again.notes.get("threads") == first.notes.get("threads")


def test_scores_of_a_regression_are_compared(tmp_path: Path) -> None:
    registry = Registry(load_plugins())
    first = train(tmp_path, registry, "stsb", data="sample", model="tfidf")
    found = reproduce(first.id, RunStore(tmp_path), registry)
    assert found.identical
