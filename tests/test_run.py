"""A run from configuration to record, with a small task and a model that fails on demand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    ConfigError,
    Interrupted,
    ModelError,
    PluginError,
    RunFolderError,
    SourceUnavailable,
    UnknownNameError,
    hookimpl,
)
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config, read_toml
from glueharness.run.one_run import run
from glueharness.run.predictions import read_predictions
from glueharness.settings.fields import Layer
from tests.small_task import SmallPlugin, small_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.plugin.events import RunAdjusted
    from glueharness.record.record import RunRecord
    from glueharness.run.config import RunConfig


def configure(registry: Registry, folder: Path, **values: Any) -> RunConfig:
    given = {"model": "oracle", "runs_dir": str(folder), **values}
    return build_config("parity", [Layer(origin=COMMAND_LINE, values=given)], registry)


def do_run(folder: Path, **values: Any) -> tuple[RunRecord, SmallPlugin]:
    plugin = SmallPlugin()
    registry = Registry(small_plugins(plugin))
    return run(configure(registry, folder, **values), registry).record, plugin


def test_a_run_leaves_a_complete_folder(tmp_path: Path) -> None:
    record, plugin = do_run(tmp_path, error_every="5", seed="7")
    folder = tmp_path / record.id
    assert record.status == "completed"
    assert record.metrics == {"dev": {"accuracy": 0.8}}
    assert record.primary == 0.8
    assert record.seed == 7
    assert read_record(folder) == record
    assert (folder / "model" / "oracle.txt").is_file()
    assert sorted(path.name for path in folder.iterdir()) == [
        ".lock",
        "model",
        "predictions",
        RUN_FILE,
    ]
    predictions = read_predictions(folder, record, "dev")
    assert predictions.values[:3] == ["odd", "odd", "even"]
    assert predictions.references == ["even", "odd"] * 5
    assert [name for name, _ in plugin.heard] == ["started", "evaluated", "evaluated", "finished"]


def test_the_record_tells_where_each_setting_came_from(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("seed = 3\nerror-every = 4\n", encoding="utf-8")
    registry = Registry(small_plugins())
    layers = [Layer(origin=COMMAND_LINE, values={"seed": "5", "model": "oracle"}), read_toml(file)]
    config = build_config("parity", layers, registry)
    assert (config.options.seed, config.origins["seed"]) == (5, COMMAND_LINE)
    assert (config.settings.error_every, config.origins["error_every"]) == (4, str(file))
    assert config.origins["fail"] == "default"


def test_what_a_model_adjusts_is_in_the_record_at_once(tmp_path: Path) -> None:
    found = []

    class Reader(SmallPlugin):
        @hookimpl
        def glueharness_run_adjusted(self, event: RunAdjusted) -> None:
            found.append(read_record(tmp_path / event.run).settings[event.setting])

    registry = Registry(small_plugins(Reader()))
    run(configure(registry, tmp_path, recipe="true"), registry)
    assert [(item.value, item.origin) for item in found] == [(5, "adjusted: recipe for oracles")]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("seed", "minus one", "--seed must be a whole number (0 to 4294967295, whole number)"),
        ("seed", "-1", "not '-1'"),
        ("error_every", "1.5", "--error-every must be a whole number (0 to 1000)"),
        ("fail", "loudly", "one of"),
        ("limit_train", "0", "at least 1, rows"),
    ],
)
def test_a_setting_out_of_range_names_unit_and_range(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        do_run(tmp_path, **{name: value})
    assert said in caught.value.what
    assert caught.value.where == COMMAND_LINE


def test_unknown_names_are_answered_with_the_nearest(tmp_path: Path) -> None:
    registry = Registry(small_plugins())
    with pytest.raises(UnknownNameError, match="did you mean 'parity'"):
        registry.task("parrity")
    with pytest.raises(UnknownNameError, match="did you mean 'oracle'"):
        registry.model("orcale")
    with pytest.raises(ConfigError, match="did you mean 'error_every'"):
        configure(registry, tmp_path, eror_every="1")
    with pytest.raises(UnknownNameError, match="did you mean 'memory'"):
        run(configure(registry, tmp_path, data="memry"), registry)


@pytest.mark.parametrize(
    ("fail", "error", "status"),
    [
        ("error", PluginError, "failed"),
        ("interrupt", Interrupted, "interrupted"),
    ],
)
def test_a_run_that_ends_early_says_so(
    tmp_path: Path, fail: str, error: type[Exception], status: str
) -> None:
    plugin = SmallPlugin()
    registry = Registry(small_plugins(plugin))
    with pytest.raises(error):
        run(configure(registry, tmp_path, fail=fail), registry)
    (record,) = RunStore(tmp_path).all()
    assert record.status == status
    assert record.finished
    assert plugin.heard[-1][0] == "failed"


@pytest.mark.parametrize(("fail", "said"), [("shape", r"shape \(10, 2\)"), ("nan", "row 0")])
def test_wrong_predictions_are_refused(tmp_path: Path, fail: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        do_run(tmp_path, fail=fail)


def test_limited_rows_mark_the_run(tmp_path: Path) -> None:
    record, _ = do_run(tmp_path, limit_dev="4")
    assert record.data.splits["dev"].rows == 4
    assert record.marks == ("limited",)


def test_the_sample_is_marked_as_such_and_not_as_partial(tmp_path: Path) -> None:
    record, _ = do_run(tmp_path)
    record.data.splits["train"].expected = 1000
    assert record.marks == ("partial",)
    record.data.sample = True
    assert record.marks == ("sample",)


def test_equal_runs_have_equal_identities_and_others_do_not(tmp_path: Path) -> None:
    first, _ = do_run(tmp_path / "a")
    again, _ = do_run(tmp_path / "b")
    seeded, _ = do_run(tmp_path / "c", seed="1")
    fewer, _ = do_run(tmp_path / "d", limit_train="10")
    assert first.identity == again.identity
    offline, _ = do_run(tmp_path / "e", offline="true", data="memory")
    wrong, _ = do_run(tmp_path / "f", error_every="2")
    assert offline.identity == first.identity
    assert len({run.identity for run in (first, seeded, fewer, wrong)}) == 4


def test_an_unwritable_folder_is_found_before_any_work(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    plugin = SmallPlugin()
    registry = Registry(small_plugins(plugin))
    with pytest.raises(RunFolderError, match="cannot be written") as caught:
        run(configure(registry, blocked), registry)
    assert caught.value.where == str(blocked)
    assert plugin.heard == []


def test_no_source_tells_what_was_tried(tmp_path: Path) -> None:
    class Nowhere:
        def open(self, task: Any, options: Any) -> Any:
            raise SourceUnavailable(f"no {task.name} in {options.source}")

    from glueharness import DataOptions, SourceSpec
    from glueharness.data.opening import open_data
    from glueharness.plugin.guarded import OfferedSource
    from tests.small_task import parity

    task = parity(sources=(SourceSpec(name="nowhere", description="", factory=Nowhere),))
    sources = [OfferedSource(spec) for spec in task.sources]
    with pytest.raises(SourceUnavailable) as caught:
        open_data(task, DataOptions(folder=tmp_path), sources)
    assert "nowhere: no parity in auto" in caught.value.remedy


def test_runs_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    record, _ = do_run(tmp_path)
    assert RunStore(tmp_path).find(record.id[:20]) == record
    assert RunStore(tmp_path).find("latest") == record
    do_run(tmp_path, seed="1")
    with pytest.raises(UnknownNameError, match="several"):
        RunStore(tmp_path).find("parity")


def test_a_completed_run_is_not_repeated_unless_asked_for(tmp_path: Path) -> None:
    first, _ = do_run(tmp_path)
    again, plugin = do_run(tmp_path)
    assert again == first
    assert plugin.heard == []
    registry = Registry(small_plugins())
    layer = Layer(origin=COMMAND_LINE, values={"model": "oracle", "runs_dir": str(tmp_path)})
    repeated = run(build_config("parity", [layer], registry, rerun=True), registry).record
    assert repeated.id != first.id
    assert repeated.identity == first.identity
    (tmp_path / first.id / "model" / "oracle.txt").unlink()
    (tmp_path / first.id / "model").rmdir()
    assert do_run(tmp_path)[0].id == repeated.id


def test_a_damaged_record_is_named_and_hides_no_other(tmp_path: Path) -> None:
    record, _ = do_run(tmp_path)
    damaged = {
        "cut": "{",
        "new": '{"schema": 99}',
        "odd": '{"schema": 1, "id": 3}',
    }
    for name, text in damaged.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / RUN_FILE).write_text(text, encoding="utf-8")
    store = RunStore(tmp_path)
    records, problems = store.all(), store.problems
    assert [item.id for item in records] == [record.id]
    assert sorted(problem.where for problem in problems) == [
        str(tmp_path / name / RUN_FILE) for name in ("cut", "new", "odd")
    ]


def test_the_record_is_plain_json_without_nan(tmp_path: Path) -> None:
    record, _ = do_run(tmp_path)
    record.timings["odd"] = float("nan")
    from glueharness.record.run_file import to_json

    values = json.loads(to_json(record), parse_constant=pytest.fail)
    assert values["schema"] == 2
    assert values["timings"]["odd"] is None
