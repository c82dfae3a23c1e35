"""What alters a computation alters its identity, however deep it lies; ours keep their names."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import DataError, MetricSpec, ModelSpec, Table, hookimpl, setting
from glueharness.data.table import check, fingerprint
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.code import _hash_of_package
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.best import Wanted
from glueharness.record.computation import Computation, ModelComputed, differences
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.one_run import run
from glueharness.run.recorded_task import describe_task
from glueharness.settings.fields import Layer
from tests.small_task import Oracle, OracleSettings, SmallPlugin, parity, small_plugins
from tests.test_identity import Trial, do_run

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import TaskSpec


def scored(*labels: float, task: TaskSpec | None = None) -> str:
    table = Table({"text": ["a", "b"], "label": list(labels)})
    return fingerprint(table, task or regression())


def regression(**changes: Any) -> TaskSpec:
    return parity(labels=(), writer="", submission=(), **changes)


def test_scores_that_differ_late_differ_and_float_width_does_not_count() -> None:
    assert scored(0.0001, 0.0002) != scored(0.0003, 0.0001)
    assert scored(3.799999952316284, 5.0) == scored(3.8, 5.0)
    assert scored(0.00012345679, 2.0) == scored(0.00012345678668655455, 2.0)


def test_texts_with_the_signs_that_part_texts_are_told_apart() -> None:
    def of(*texts: str) -> str:
        return fingerprint(Table({"text": texts}), parity())

    assert of("a\x1eb", "c") != of("a", "b\x1ec")
    assert of("a\x1dtext\x1db", "c") != of("a", "btext\x1d\x1dc")


def test_the_column_that_groups_rows_is_part_of_the_data() -> None:
    metric = dataclasses.replace(parity().metrics[0], unit="question")
    task = parity(metrics=(metric,))
    one, two = (
        fingerprint(Table({"text": ["a", "b"], "question": units}), task)
        for units in (["1", "1"], ["1", "2"])
    )
    assert one != two


def test_a_score_out_of_its_range_is_refused_with_its_row() -> None:
    task = regression(score_range=(0.0, 5.0))
    for label, said in ((float("inf"), "the score is inf"), (9.0, "9, outside of 0 to 5")):
        table = Table({"text": ["a", "b"], "label": [1.0, label]})
        with pytest.raises(DataError, match=f"row 1 of dev: .*{said}"):
            check(table, task, name="dev", where="here")
        if label == 9.0:  # a placeholder
            check(table, task, name="test", where="here")


def test_the_range_that_predictions_are_clipped_to_is_part_of_the_task() -> None:
    ranges = ((0.0, 5.0), (0.0, 1.0))
    computed = []
    for given in ranges:
        registry = Registry(small_plugins(Trial(regression(score_range=given))))
        computed.append(describe_task(registry.task("parity"), registry))
    assert computed[0] != computed[1]
    model = ModelComputed(name="m", seed=1)
    before, now = (Computation(task=task, data={}, model=model, system={}) for task in computed)
    assert differences(before, now) == {"task score range": ("0.0, 5.0", "0.0, 1.0")}


PLUGIN = """
from glueharness import hookimpl
from tests.small_task import SmallPlugin, parity

@hookimpl
def glueharness_tasks():
    return [parity()]

@hookimpl
def glueharness_models():
    import helping_module_of_a_test
    return SmallPlugin().glueharness_models()
"""


def test_a_changed_module_that_a_plugin_file_imports_is_another_computation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    helper, plugin = tmp_path / "helping_module_of_a_test.py", tmp_path / "mine.py"
    plugin.write_text(PLUGIN, encoding="utf-8")

    def go(text: str) -> bool:
        helper.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        registry = Registry(load_plugins(choice=PluginChoice(files=(plugin,))))
        values = {"model": "oracle", "runs_dir": str(tmp_path / "runs")}
        config = build_config("parity", [Layer(origin=COMMAND_LINE, values=values)], registry)
        return run(config, registry).reused

    assert not go("X = 1\n")
    assert go("X = 1\n")
    assert not go("X = 22\n")
    sys.modules.pop("helping_module_of_a_test", None)


@pytest.mark.parametrize("first", ["__init__.py", "part.py"], ids=["package", "namespace"])
def test_the_hash_of_a_package_is_of_its_data_too_and_not_of_its_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    name = f"package_with_{first.strip('_').partition('.')[0].strip('_')}"
    folder = tmp_path / name
    (folder / "__pycache__").mkdir(parents=True)
    (folder / first).write_text("x = 1\n")
    (folder / "task.toml").write_text("a = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    before = _hash_of_package(f"{name}.part")
    assert before != "unknown"
    (folder / "__pycache__" / "part.pyc").write_bytes(b"x")
    assert _hash_of_package(name) == before
    (folder / "task.toml").write_text("a = 2\n")
    assert _hash_of_package(name) != before


def test_runs_ranked_by_another_metric_are_no_comparison(tmp_path: Path) -> None:
    class Other:
        def compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
            return {"other": 0.5 * len(predictions) / len(references)}

    do_run(tmp_path)
    metric = MetricSpec(name="other", title="Other", factory=lambda _task: Other())
    newer = do_run(tmp_path, Trial(parity(metrics=(metric,)))).record
    choice = RunStore(tmp_path).best(Wanted(task="parity", purpose="show"))
    assert choice.record.id == newer.id
    assert "1 ranked by another metric" in choice.why


def test_a_run_that_starts_from_another_runs_folder_has_its_marks(tmp_path: Path) -> None:
    from pathlib import Path as Folder

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class WithWeights(OracleSettings):
        weights: Folder | None = setting(None, help="Folder to start from.")

    WithWeights.__init__.__globals__.setdefault("Folder", Folder)

    class Plugin(SmallPlugin):
        @hookimpl
        def glueharness_models(self) -> list[ModelSpec]:
            made = ModelSpec(
                name="oracle", description="Starts.", settings=WithWeights,
                factory=lambda context: Oracle(context.settings),
            )  # fmt: skip
            return [made]

    globals()["Folder"] = Folder  # the settings' types are looked up by name
    parent = do_run(tmp_path, Plugin(), limit_train="10")
    child = do_run(tmp_path, Plugin(), weights=str(parent.folder / "model"))
    assert child.record.marks == ("limited parent",)
    grandchild = do_run(tmp_path, Plugin(), weights=str(child.folder / "model"))
    assert grandchild.record.marks == ("limited parent",)


@pytest.mark.parametrize("name", ["glue", "glueharness"])
def test_a_plugin_file_that_bears_our_name_takes_nothing_out_of_use(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / f"{name}.py"
    file.write_text(PLUGIN.replace("parity()", "parity(name='qnli')"), encoding="utf-8")
    registry = Registry(load_plugins(choice=PluginChoice(files=(file,))))
    assert registry.task("qnli").title == "QNLI"
    ours = registry.plugins.statuses["glue"]
    assert ours.distribution == "glueharness"
    assert not ours.problems
