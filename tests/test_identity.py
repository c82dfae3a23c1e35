"""Two runs are the same if, and only if, they compute the same on the same."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import FRESH, ConfigError, Fingerprint, MetricSpec, ModelSpec, Table, hookimpl
from glueharness.errors import RunFolderError
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.one_run import run
from glueharness.run.trained_model import load_trained
from glueharness.settings.fields import Layer
from tests.small_task import (
    Accuracy,
    MemoryData,
    MemorySource,
    Oracle,
    OracleSettings,
    SmallPlugin,
    parity,
    rows,
    small_plugins,
)

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import ModelContext, TaskSpec
    from glueharness.run.one_run import RunResult


class Trial(SmallPlugin):
    """The small plugin with another task or model."""

    def __init__(
        self, task: TaskSpec | None = None, fingerprint: Fingerprint | None = None
    ) -> None:
        super().__init__()
        self.task = task or parity()
        self.fingerprint = fingerprint

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """The task."""
        return [self.task]

    @hookimpl
    def glueharness_models(self) -> list[ModelSpec]:
        """The oracle, and a family of them that tells its fingerprint."""
        made = ModelSpec(
            name="oracle", description="Knows.", factory=self._make, settings=OracleSettings
        )
        return [made, dataclasses.replace(made, name="oracles", family=True)]

    def _make(self, context: ModelContext) -> Oracle:
        return Telling(context.settings, self.fingerprint or Fingerprint())


class Telling(Oracle):
    """A model that tells what it begins from, and takes the settings that it tells."""

    def __init__(self, settings: OracleSettings, told: Fingerprint) -> None:
        super().__init__(dataclasses.replace(settings, **told.settings))
        self.told = told

    def fingerprint(self) -> Fingerprint:
        """What it was told to tell."""
        return self.told


def do_run(runs: Path, plugin: SmallPlugin | None = None, **given: Any) -> RunResult:
    registry = Registry(small_plugins(plugin or Trial()))
    values = {"model": "oracle", "runs_dir": str(runs), **given}
    layers = [Layer(origin=COMMAND_LINE, values=values)]
    return run(build_config("parity", layers, registry), registry)


def test_the_same_is_not_repeated_and_says_so(tmp_path: Path) -> None:
    assert not do_run(tmp_path).reused
    assert do_run(tmp_path).reused
    assert not do_run(tmp_path, seed="7").reused


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "files 2"},
        {"weights": FRESH},
        {"precision": "bf16"},
        {"device": "cuda"},
        {"engine": "native"},
        {"settings": {"error_every": 3}},
        {"packages": ("numpy",)},
    ],
)
def test_what_the_model_tells_makes_another_run(tmp_path: Path, changes: dict[str, Any]) -> None:
    told = Fingerprint(weights="files 1", precision="fp32", device="cpu", engine="torch")
    assert not do_run(tmp_path, Trial(fingerprint=told)).reused
    assert do_run(tmp_path, Trial(fingerprint=told)).reused
    other = dataclasses.replace(told, **changes)
    assert not do_run(tmp_path, Trial(fingerprint=other)).reused


class Failing(Telling):
    """A model that finds out in training that it cannot compute as it was planned."""

    def fit(self, *given: Any) -> None:
        """Learn, in the precision that works."""
        super().fit(*given)
        self.told = dataclasses.replace(self.told, precision="fp32", weights="another")


class FallingBack(Trial):
    """The small plugin with a model that falls back from bf16 to fp32."""

    def _make(self, context: ModelContext) -> Oracle:
        told = self.fingerprint or Fingerprint(weights="files 1", precision="bf16")
        return Failing(context.settings, told)


def test_a_run_that_fell_back_is_recorded_in_the_precision_that_was_used(tmp_path: Path) -> None:
    fell = do_run(tmp_path, FallingBack())
    kept = read_record(fell.folder)
    assert kept.computation is not None
    assert kept.computation.system["precision"] == "fp32"
    assert kept.computation.model.weights == "files 1"  # what it started from stays what it was
    asked = Fingerprint(weights="files 1", precision="fp32")
    again = do_run(tmp_path, Trial(fingerprint=asked))
    assert again.reused
    assert again.record.identity == kept.identity
    in_bf16 = Trial(fingerprint=dataclasses.replace(asked, precision="bf16"))
    assert do_run(tmp_path / "other", in_bf16).record.identity != kept.identity
    # It is known what becomes of the plan: it is not tried again.
    assert do_run(tmp_path, FallingBack()).reused


def test_a_plan_for_something_else_is_not_believed(tmp_path: Path) -> None:
    done = do_run(tmp_path, FallingBack())
    content = json.loads((done.folder / RUN_FILE).read_text())
    assert content["planned"]["system"]["precision"] == "bf16"
    content["planned"]["model"]["seed"] += 1
    (done.folder / RUN_FILE).write_text(json.dumps(content))
    with pytest.raises(RunFolderError, match="planned to compute something else"):
        read_record(done.folder)


def test_a_resolved_value_that_is_given_changes_nothing(tmp_path: Path) -> None:
    by_recipe = Trial(fingerprint=Fingerprint(settings={"error_every": 5}))
    first = do_run(tmp_path, by_recipe)
    assert first.record.primary == 0.8
    assert do_run(tmp_path, Trial(), error_every="5").reused


def test_a_limit_that_limits_nothing_changes_nothing(tmp_path: Path) -> None:
    do_run(tmp_path)
    assert do_run(tmp_path, limit_train="1000").reused
    assert not do_run(tmp_path, limit_train="10").reused


def test_of_a_family_the_weights_count_and_not_the_place(tmp_path: Path) -> None:
    told = Trial(fingerprint=Fingerprint(weights="files 1"))
    do_run(tmp_path, told, model="oracles:./here")
    assert do_run(tmp_path, told, model="oracles:/mnt/there").reused
    fresh = Trial(fingerprint=Fingerprint(weights=FRESH))
    assert not do_run(tmp_path, fresh, model="oracles:./here").reused
    assert not do_run(tmp_path, fresh, model="oracles:/mnt/there").reused


class OtherMetric(Accuracy):
    """A metric under the same name."""

    def compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
        """Half of the accuracy."""
        return {
            "accuracy": super().compute(predictions=predictions, references=references)["accuracy"]
            / 2
        }


class OtherRows(MemorySource):
    """A source with one other label."""

    def open(self, task: TaskSpec, options: Any) -> MemoryData:
        """The rows."""
        data = super().open(task, options)
        labels = ["odd", *list(rows(20)["label"])[1:]]
        train = Table({**{name: rows(20)[name] for name in ("index", "text")}, "label": labels})
        return dataclasses.replace(data, splits={**data.splits, "train": train})


def test_another_task_under_the_same_name_is_another_run(tmp_path: Path) -> None:
    first = do_run(tmp_path).record
    second = MetricSpec(name="half", title="Half", factory=lambda _task: Halved())
    source = dataclasses.replace(parity().sources[0], factory=OtherRows)
    for task in (
        parity(metrics=(*parity().metrics, second)),
        parity(labels=("odd", "even")),
        parity(version="v2"),
        parity(sources=(source,)),
    ):
        assert not do_run(tmp_path, Trial(task)).reused
    old = {item.id: item for item in RunStore(tmp_path).all()}[first.id]
    assert old.metrics == {"dev": {"accuracy": 1.0}}


class Halved:
    """A second metric."""

    def compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
        """A half."""
        assert len(predictions) == len(references)
        return {"half": 0.5}


FILE = """
from glueharness import hookimpl
from tests.small_task import SmallPlugin, parity

@hookimpl
def glueharness_tasks():
    return [parity()]

@hookimpl
def glueharness_models():
    return SmallPlugin().glueharness_models()
"""


def test_a_changed_body_of_a_plugin_file_is_another_computation(tmp_path: Path) -> None:
    def in_file(text: str) -> RunResult:
        file = tmp_path / "mine.py"
        file.write_text(text, encoding="utf-8")
        registry = Registry(load_plugins(choice=PluginChoice(files=(file,))))
        values = {"model": "oracle", "runs_dir": str(tmp_path / "runs")}
        config = build_config("parity", [Layer(origin=COMMAND_LINE, values=values)], registry)
        return run(config, registry)

    assert not in_file(FILE).reused
    assert in_file(FILE).reused
    assert not in_file(FILE + "# another body\n").reused


def test_every_field_is_in_the_record_and_makes_the_hash(tmp_path: Path) -> None:
    told = Fingerprint(weights="files 1", engine="torch", packages=("numpy",))
    result = do_run(tmp_path, Trial(fingerprint=told), error_every="2")
    computation = read_record(result.folder).computation
    assert computation is not None
    assert computation.identity == result.record.identity
    assert computation.task.labels == ("even", "odd")
    assert computation.task.metrics == ("accuracy",)
    assert computation.model.weights == "files 1"
    assert computation.model.settings == {"error_every": 2, "fail": "", "recipe": False}
    assert set(computation.data) == {"train", "dev"}
    assert computation.system["engine"] == "torch"
    assert set(computation.system) == {"engine", "numpy", "glueharness"}
    seen = {computation.identity}
    for part in dataclasses.fields(computation):
        value = getattr(computation, part.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for inner in dataclasses.fields(value):
                inside: Any = dataclasses.replace(value, **{inner.name: ("changed",)})
                changed = dataclasses.replace(computation, **{part.name: inside})
                assert changed.identity not in seen, inner.name
                seen.add(changed.identity)
        else:
            other = {"x": "changed"}
            changed = dataclasses.replace(computation, **{part.name: other})  # type: ignore[arg-type]
            assert changed.identity not in seen, part.name
            seen.add(changed.identity)


def test_a_path_that_is_no_text_has_one_identity_before_and_after_it_is_stored(
    tmp_path: Path,
) -> None:
    told = Fingerprint(weights="here\udcff")
    result = do_run(tmp_path, Trial(fingerprint=told))
    assert read_record(result.folder).identity == result.record.identity
    assert do_run(tmp_path, Trial(fingerprint=told)).reused


def test_an_identity_that_does_not_follow_from_its_fields_is_not_believed(tmp_path: Path) -> None:
    first = do_run(tmp_path)
    file = first.folder / RUN_FILE
    values = json.loads(file.read_text(encoding="utf-8"))
    values["computation"]["model"]["seed"] = 7
    file.write_text(json.dumps(values), encoding="utf-8")
    assert not do_run(tmp_path).reused


def test_what_differs_from_the_nearest_earlier_run_is_told(tmp_path: Path) -> None:
    do_run(tmp_path, error_every="2")
    do_run(tmp_path, error_every="3", seed="8")
    plugin = Trial(fingerprint=Fingerprint(weights=FRESH))
    do_run(tmp_path, plugin, error_every="3")
    differs = plugin.heard[0][1].differs
    assert "weights – there, fresh here" in differs
    assert differs.count(";") == 1


def test_labels_that_changed_are_refused_with_both_shown(tmp_path: Path) -> None:
    record = do_run(tmp_path).record
    store = RunStore(tmp_path)
    for task, said in (
        (parity(labels=("odd", "even")), "its labels were even, odd and are now odd, even"),
        (parity(columns=("sentence",)), "its columns were text and are now sentence"),
    ):
        registry = Registry(small_plugins(Trial(task)))
        with pytest.raises(ConfigError, match=said):
            load_trained(store, record, registry)


def test_a_copy_and_a_new_name_are_recognised(tmp_path: Path) -> None:
    record = do_run(tmp_path).record
    shutil.copytree(tmp_path / record.id, tmp_path / "copied")
    store = RunStore(tmp_path)
    assert [item.id for item in store.all()] == [record.id]
    assert store.copies == {"copied": record.id}
    (tmp_path / record.id).rename(tmp_path / "renamed")
    shutil.rmtree(tmp_path / "copied")
    store = RunStore(tmp_path)
    (found,) = store.all()
    assert found.id == "renamed"
    assert store.has_model(found)
    assert do_run(tmp_path).folder == tmp_path / "renamed"
