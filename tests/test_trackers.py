"""Trackers follow a run; none of them can harm it."""

from __future__ import annotations

import importlib.util
import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    ConfigError,
    Interrupted,
    PluginError,
    TrackerSpec,
    UnknownNameError,
    hookimpl,
)
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from glueharness.record.store import RunStore
from glueharness.run.config import build_config
from glueharness.run.one_run import run
from glueharness.settings.fields import Layer
from glueharness_trackers.services import SERVICES
from tests.small_task import SmallPlugin, small_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.plugin.status import PluginStatus, Problem
    from glueharness.record.record import RunRecord


def do_run(folder: Path, track: str, **values: Any) -> RunRecord:
    registry = Registry(small_plugins())
    given = {"model": "oracle", "runs_dir": str(folder), "track": track, **values}
    config = build_config("parity", [Layer(origin="test", values=given)], registry)
    record = run(config, registry).record
    assert not [name for name in registry.plugins.statuses if name.startswith("tracker ")]
    return record


def test_the_event_log_has_a_line_an_event(tmp_path: Path) -> None:
    record = do_run(tmp_path, "jsonl", error_every="5")
    text = (tmp_path / record.id / "events.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line) for line in text.splitlines()]
    assert [event["event"] for event in events] == ["started", "evaluated", "evaluated", "finished"]
    assert events[0]["record"]["settings"]["track"]["value"] == "jsonl"
    assert events[1]["metrics"] == {"dev": {"accuracy": 0.8}}
    assert events[2]["values"] == {"loss": 0.5}
    assert events[3]["metrics"] == record.metrics
    assert {event["run"] for event in events} == {record.id}
    assert all(event["time"][10] == "T" for event in events)


def test_the_event_log_tells_of_a_setting_that_the_model_adjusts(tmp_path: Path) -> None:
    record = do_run(tmp_path, "jsonl", recipe="true")
    lines = (tmp_path / record.id / "events.jsonl").read_text(encoding="utf-8").splitlines()
    started, adjusted = (json.loads(line) for line in lines[:2])
    assert started["record"]["settings"]["error_every"]["value"] == 0
    assert (adjusted["event"], adjusted["setting"], adjusted["value"], adjusted["reason"]) == (
        "adjusted",
        "error_every",
        5,
        "recipe for oracles",
    )


@pytest.mark.parametrize(
    ("fail", "error", "status"),
    [("error", PluginError, "failed"), ("interrupt", Interrupted, "interrupted")],
)
def test_the_event_log_tells_how_a_run_ended(
    tmp_path: Path, fail: str, error: type[Exception], status: str
) -> None:
    with pytest.raises(error):
        do_run(tmp_path, "jsonl", fail=fail)
    (record,) = RunStore(tmp_path).all()
    lines = (tmp_path / record.id / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-1])["event"] == "failed"
    assert json.loads(lines[-1])["status"] == status


def test_tracking_does_not_make_another_run(tmp_path: Path) -> None:
    assert do_run(tmp_path / "a", "jsonl").identity == do_run(tmp_path / "b", "").identity


def test_tensorboard_holds_scores_and_losses(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record = do_run(tmp_path, "tensorboard", error_every="5")
    events = EventAccumulator(str(tmp_path / record.id / "tensorboard"))
    events.Reload()
    scores = [(item.step, item.value) for item in events.Scalars("dev/accuracy")]
    assert scores == [(1, pytest.approx(0.8)), (2, pytest.approx(0.8))]
    assert [item.value for item in events.Scalars("epoch/loss")] == [1.0, 0.5]
    assert events.Scalars("final/dev/accuracy")[-1].value == pytest.approx(0.8)


def test_mlflow_holds_settings_scores_and_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    record = do_run(tmp_path / "runs", "mlflow,jsonl", recipe="true")
    client = mlflow.tracking.MlflowClient()
    experiment = client.get_experiment_by_name("glueharness/parity")
    (tracked,) = client.search_runs([experiment.experiment_id])
    assert tracked.info.run_name == record.id
    assert tracked.info.status == "FINISHED"
    assert tracked.data.params["error_every"] == "5"
    assert tracked.data.metrics["final/dev/accuracy"] == 0.8
    assert [m.value for m in client.get_metric_history(tracked.info.run_id, "epoch/loss")] == [
        1.0,
        0.5,
    ]
    artefacts = [item.path for item in client.list_artifacts(tracked.info.run_id)]
    assert artefacts == ["run.json"]


def test_an_unknown_tracker_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mlflow'"):
        do_run(tmp_path, "jsonl, mlfow")
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_named_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "mlflow" else find(name, *rest),
    )
    with pytest.raises(ConfigError, match="needs mlflow") as caught:
        do_run(tmp_path, "mlflow")
    assert caught.value.remedy == "Install it: pip install 'glueharness[mlflow]'"
    assert not list(tmp_path.iterdir())


class Clumsy:
    """A tracker that raises at every event, even to leave the process."""

    @hookimpl
    def glueharness_run_started(self, event: Any) -> None:
        """Raise."""
        raise OSError(f"no disk for {event.record.id}")

    @hookimpl
    def glueharness_run_evaluated(self, event: Any) -> None:
        """Leave."""
        raise SystemExit(event.epoch)


class ClumsyPlugin(SmallPlugin):
    """Offers it."""

    @hookimpl
    def glueharness_trackers(self) -> list[TrackerSpec]:
        """One tracker."""
        return [TrackerSpec(name="clumsy", description="Falls.", factory=Clumsy)]


def test_a_tracker_that_raises_is_told_no_more_and_reported(tmp_path: Path) -> None:
    registry = Registry(small_plugins(ClumsyPlugin()))
    reports: list[str] = []

    def hear(status: PluginStatus, problem: Problem) -> None:
        reports.append(f"{status.name}: {problem.what}")

    registry.plugins.listener = hear
    given = {"model": "oracle", "runs_dir": str(tmp_path), "track": "clumsy"}
    config = build_config("parity", [Layer(origin="test", values=given)], registry)
    record = run(config, registry).record
    assert record.status == "completed"
    started, evaluated = reports
    assert "tracker clumsy: glueharness_run_started raised OSError: no disk for parity" in started
    assert "glueharness_run_evaluated raised SystemExit: 1" in evaluated


def test_a_run_that_is_there_already_is_told_of_with_who_missed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", "parity", "--model", "oracle"]
    options: list[list[str]] = [[], ["--track", "jsonl"], ["--track", "jsonl", "--json"]]
    for track in options:
        with pytest.raises(SystemExit) as end:
            main([*words, *track], App(Registry(small_plugins())))
        assert not end.value.code
        err = capsys.readouterr().err
        assert ("so jsonl heard nothing of it; --rerun repeats" in err) == bool(track)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_wandb_holds_settings_and_scores_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="the extra `wandb` is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    for name, value in (("WANDB_MODE", "offline"), ("WANDB_SILENT", "true")):
        monkeypatch.setenv(name, value)
    record = do_run(tmp_path, "wandb project=mine name=first, jsonl", recipe="true")
    (file,) = (tmp_path / record.id / "wandb").rglob("run-*.wandb")
    kept = file.read_bytes()
    for text in (b"mine", b"first", b"final/dev/accuracy", b"epoch/loss", record.id.encode()):
        assert text in kept
    assert (tmp_path / record.id / "events.jsonl").is_file()


def test_a_service_whose_library_is_missing_is_told_before_the_run(tmp_path: Path) -> None:
    if importlib.util.find_spec("swanlab") is not None:
        pytest.skip("swanlab is installed")
    with pytest.raises(ConfigError, match="needs swanlab") as caught:
        do_run(tmp_path, "swanlab")
    assert "pip install 'glueharness[swanlab]'" in caught.value.remedy
    assert not list(tmp_path.iterdir())


def test_each_service_is_one_that_accelerate_knows() -> None:
    tracking = pytest.importorskip("accelerate.tracking", reason="accelerate is not installed")
    for service in SERVICES:
        kind = tracking.LOGGER_TYPE_TO_CLASS[service.known_as]
        arguments = inspect.signature(kind.__init__).parameters
        takes_any = any(each.kind is each.VAR_KEYWORD for each in arguments.values())
        assert takes_any or {service.named_by, service.kept_in} <= {*arguments, ""}


@pytest.mark.parametrize(
    ("track", "message"),
    [
        ("wandb projekt=x", "did you mean 'project'"),
        ("jsonl project=x", "no setting 'project'"),
        ("wandb mine", "'mine' is no setting of wandb"),
        ("wandb 'mine", "quote"),
    ],
)
def test_a_setting_that_a_tracker_lacks_is_refused(
    tmp_path: Path, track: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        do_run(tmp_path, track)
