"""What is written can be read, what is read does not contradict itself, and seals are complete."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    FRESH,
    Fingerprint,
    GlueharnessError,
    MetricSpec,
    ModelError,
    ModelSpec,
    PluginError,
    RunFolderError,
    hookimpl,
    setting,
)
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.errors import ConfigError, UnknownNameError
from glueharness.plugin.registry import Registry
from glueharness.record.record import ParentRecord
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.store import RunStore
from tests.small_task import Oracle, OracleSettings, SmallPlugin, parity, small_plugins
from tests.test_identity import Trial, do_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def command(words: list[str], runs: Path, capsys: Any, code: int = 0) -> str:
    with pytest.raises(SystemExit) as end:
        main([*words, "--runs-dir", str(runs)], App(Registry(small_plugins(Trial()))))
    out, err = capsys.readouterr()
    assert (end.value.code or 0) == code, out + err
    assert "internal error" not in err
    return str(out + err)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = folder / RUN_FILE
    values = json.loads(file.read_text(encoding="utf-8"))
    change(values)
    file.write_text(json.dumps(values), encoding="utf-8")


# What is written can be read -------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wide(OracleSettings):
    """Settings without limits."""

    any_number: float = setting(0.0, help="Any number.", low=0)
    any_whole: int = setting(0, help="Any whole number.")
    any_text: str = setting("", help="Any text.")
    any_given: float = setting(float("inf"), help="A default that JSON does not have.")


class WidePlugin(Trial):
    """The oracle with them."""

    @hookimpl
    def glueharness_models(self) -> list[ModelSpec]:
        """One model."""
        make = self._make
        return [ModelSpec(name="oracle", description="Knows.", factory=make, settings=Wide)]


def test_infinite_settings_are_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    first = do_run(tmp_path, WidePlugin(), any_number="inf")
    assert do_run(tmp_path, WidePlugin(), any_number="inf").reused
    assert not do_run(tmp_path, WidePlugin()).reused
    assert read_record(first.folder).settings["any_given"].value == "inf"


def test_the_sign_of_zero_and_the_way_to_write_a_number_change_nothing(tmp_path: Path) -> None:
    do_run(tmp_path, WidePlugin(), any_number="0", any_whole="1000")
    assert do_run(tmp_path, WidePlugin(), any_number="-0.0", any_whole="1e3").reused
    big = 2**53 + 1  # which is no float
    assert (
        do_run(tmp_path, WidePlugin(), any_whole=str(big)).record.settings["any_whole"].value == big
    )


@pytest.mark.parametrize("given", [{"any_whole": str(10**25)}, {"any_text": "a" * 11_000}])
def test_a_setting_that_no_record_keeps_is_refused_at_once(
    tmp_path: Path, given: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="a record keeps whole numbers of 64 bits"):
        do_run(tmp_path, WidePlugin(), **given)
    assert not list(tmp_path.iterdir())


def fitting(work: Callable[[Oracle, Any, Any], object]) -> SmallPlugin:
    """The small plugin whose model does something else when it trains."""

    class Working(Oracle):
        def fit(self, train: Any, dev: Any, context: Any) -> None:
            work(self, dev, context)
            super().fit(train, dev, context)

    class Plugin(SmallPlugin):
        @hookimpl
        def glueharness_models(self) -> list[ModelSpec]:
            return [
                ModelSpec(
                    name="oracle", description="Works.", settings=OracleSettings,
                    factory=lambda context: Working(context.settings),
                )
            ]  # fmt: skip

    return Plugin()


def test_a_loss_that_runs_away_and_endless_warnings_cost_no_run(tmp_path: Path) -> None:
    def work(model: Oracle, dev: Any, context: Any) -> None:
        scores = {name: model.predict(split) for name, split in dev.items()}
        context.epoch(0, context.score(scores), {"loss": 1e20, "other": 0.5})
        for _ in range(510):
            context.warn("w" * 11_000)

    result = do_run(tmp_path, fitting(work))
    record = read_record(result.folder)
    assert record.history[0].values == {"loss": None, "other": 0.5}
    assert len(record.warnings) == 501
    assert record.warnings[-1] == "… and 10 more"


def test_an_endless_error_is_kept_in_short(tmp_path: Path) -> None:
    def work(_model: Oracle, _dev: Any, _context: Any) -> None:
        raise ModelError("missing " + "tensor, " * 50_000)

    with pytest.raises(ModelError):
        do_run(tmp_path, fitting(work))
    (record,) = RunStore(tmp_path).all()
    assert record.status == "failed"
    assert record.error.startswith("missing tensor")


@pytest.mark.parametrize("note", [{1, 2}, json.loads("[" * 20 + "]" * 20)], ids=["set", "nest"])
def test_a_note_that_is_no_json_is_told_with_the_plugins_name(tmp_path: Path, note: Any) -> None:
    plugin = fitting(lambda _model, _dev, context: context.note("x", note))
    with pytest.raises(PluginError, match=r"plugin 'small'.*note\('x'\)"):
        do_run(tmp_path, plugin)
    assert RunStore(tmp_path).all()[0].status == "failed"


def test_a_score_that_no_record_keeps_is_refused_as_one_out_of_bounds(tmp_path: Path) -> None:
    class Huge:
        def compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
            return {"accuracy": 1e16 * len(predictions) / len(references)}

    metric = MetricSpec(
        name="accuracy", title="A", factory=lambda _task: Huge(), bounds=(0, float("inf"))
    )
    with pytest.raises(PluginError, match="outside of its bounds"):
        do_run(tmp_path, Trial(parity(metrics=(metric,))))


# What a record says twice agrees ---------------------------------------------------------------

FORGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "primary": lambda v: v.update(primary=0.99),
    "seed": lambda v: v.update(seed=9),
    "version": lambda v: v.update(task_version="v9"),
    "model": lambda v: v.update(model="tfidf"),
    "metric": lambda v: v.update(primary_metric="f1"),
    "rows": lambda v: v["data"]["splits"]["dev"].update(fingerprint="0" * 16),
    "another split": lambda v: v["data"]["splits"].update(more=v["data"]["splits"]["dev"]),
    "a split that leads out": lambda v: v["data"]["splits"].update(
        {"../../x": v["data"]["splits"]["train"]}
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_record_that_contradicts_itself_is_told_and_not_ranked(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = do_run(tmp_path, error_every="2")
    edit(result.folder, FORGED[name])
    store = RunStore(tmp_path)
    assert not store.all()
    assert "the record is damaged" in str(store.problems[0])
    command(["leaderboard", "parity"], tmp_path, capsys)


# Seals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [{}, None], ids=["all", "of dev"])
def test_seals_that_were_taken_out_are_missed(
    tmp_path: Path, gone: dict[str, str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    def take(values: dict[str, Any]) -> None:
        if gone is None:
            del values["seals"]["predictions/dev.parquet"]
        else:
            values["seals"] = gone

    edit(do_run(tmp_path).folder, take)
    said = command(["runs", "verify", "latest"], tmp_path, capsys, code=1)
    assert "that of predictions/dev.parquet is gone from the record" in said


def test_what_is_added_to_an_empty_model_is_found_and_a_file_managers_litter_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Empty(Oracle):
        def save(self, folder: Path) -> None:
            assert folder.is_dir()

    class Plugin(SmallPlugin):
        @hookimpl
        def glueharness_models(self) -> list[ModelSpec]:
            made = ModelSpec(
                name="oracle", description="Keeps nothing.", settings=OracleSettings,
                factory=lambda context: Empty(context.settings),
            )  # fmt: skip
            return [made]

    model = do_run(tmp_path, Plugin()).folder / "model"
    for name in (".DS_Store", "Thumbs.db", "._config.json"):
        (model / name).touch()
    command(["runs", "verify", "latest"], tmp_path, capsys)
    (model / "modeling.py").touch()
    said = command(["runs", "verify", "latest"], tmp_path, capsys, code=1)
    assert "model/modeling.py was not there" in said


def test_to_verify_nothing_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = command(["runs", "verify", "--all"], tmp_path / "mistyped", capsys, code=1)
    assert "there are no runs to verify" in said


# Marks, order, names ---------------------------------------------------------------------------


def test_what_a_grandparent_was_marked_with_is_not_forgotten(tmp_path: Path) -> None:
    record = do_run(tmp_path).record
    marks: tuple[str, ...] = ("sample", "limited")
    for _ in range(3):
        parent = ParentRecord(id="parent", identity="", marks=marks)
        marks = dataclasses.replace(record, parent=parent).marks
        assert marks == ("sample parent", "limited parent")


def test_the_latest_run_is_the_latest_whatever_the_time_zone(tmp_path: Path) -> None:
    first, second = (do_run(tmp_path, seed=seed) for seed in ("1", "2"))
    edit(first.folder, lambda v: v.update(started="2026-10-25T02:59:00.000+02:00"))
    edit(second.folder, lambda v: v.update(started="2026-10-25T02:10:00.000+01:00"))
    assert RunStore(tmp_path).find("latest").id == second.record.id
    edit(first.folder, lambda v: v.update(started="whenever"))
    assert [record.seed for record in RunStore(tmp_path).all()] == [1, 2]


def test_json_tells_marks_place_and_whether_a_run_is_alive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = do_run(tmp_path, Trial(fingerprint=Fingerprint(weights=FRESH)))
    edit(result.folder, lambda v: v.update(status="running"))
    (listed,) = json.loads(command(["runs", "--json"], tmp_path, capsys))
    shown = json.loads(command(["runs", "show", "latest", "--json"], tmp_path, capsys))
    assert listed == shown
    assert (shown["marks"], shown["status"]) == (["fresh"], "stopped")
    assert shown["folder"] == str(result.folder)


def test_a_run_is_found_by_its_path_and_by_either_spelling_of_a_letter(tmp_path: Path) -> None:
    result = do_run(tmp_path)
    store = RunStore(tmp_path)
    assert store.find(f"{result.folder}/").id == result.record.id
    result.folder.rename(tmp_path / unicodedata.normalize("NFD", "café"))
    assert RunStore(tmp_path).find("café").identity == result.record.identity


@pytest.mark.parametrize("name", ["", ".", "..", "a" * 300, "../runs", "/"])
def test_a_name_that_is_no_runs_leads_nowhere(tmp_path: Path, name: str) -> None:
    result = do_run(tmp_path / "runs")
    for place in (tmp_path, tmp_path / "runs"):
        (place / RUN_FILE).write_bytes((result.folder / RUN_FILE).read_bytes())
    with pytest.raises(UnknownNameError):
        RunStore(tmp_path / "runs").find(name)


# The store -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_what_stands_in_the_place_of_the_claims_is_told_and_not_followed(
    tmp_path: Path, kind: str
) -> None:
    runs, victim = tmp_path / "runs", tmp_path / "victim"
    runs.mkdir()
    victim.mkdir()
    if kind == "file":
        (runs / ".claims").touch()
    else:
        (runs / ".claims").symlink_to(victim if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match="what is being computed cannot be noted"):
        do_run(runs)
    assert not list(victim.iterdir())


def test_the_claims_are_as_open_as_the_store(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    runs.chmod(0o777)
    do_run(runs)
    assert (runs / ".claims").stat().st_mode & 0o777 == 0o777


def test_a_folder_in_the_place_of_a_holder_is_told(tmp_path: Path) -> None:
    result = do_run(tmp_path)
    (tmp_path / ".claims" / f"{result.record.identity}.lock.holder").mkdir()
    with pytest.raises(RunFolderError, match="this computation cannot be locked"):
        do_run(tmp_path)


def test_what_somebody_repeats_right_now_is_not_resumed(tmp_path: Path) -> None:
    result = do_run(tmp_path)
    edit(result.folder, lambda v: v.update(status="running"))
    store = RunStore(tmp_path)
    with store.working_on(store.all()[0]):
        assert do_run(tmp_path).record.id != result.record.id


def test_a_store_that_may_not_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(GlueharnessError, match="the runs cannot be listed: Permission denied"):
        RunStore(tmp_path).all()
