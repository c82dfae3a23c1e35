"""Checkpoints: damaged ones are set aside, full disks cost no training, locks keep others out."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import torch

from glueharness import ConfigError, PluginError, RunFolderError
from glueharness_finetune.training import checkpoint as module
from glueharness_finetune.training.checkpoint import CheckpointFolder, Epoch, Progress
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness.record.record import RunRecord


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"layer.weight": torch.full((3, 5), value), "layer.bias": torch.full((5,), -value)}


def progress(step: int, best: int = 0) -> Progress:
    epochs = [
        Epoch(number=n + 1, metrics={"dev": {"accuracy": 1 / 3}}, primary=1 / 3, values={"l": 0.1})
        for n in range(best)
    ]
    return Progress(plan="p", step=step, loss=0.1 + 0.2, rows=7, history=epochs, best=best)


class Kept:
    """A checkpoint folder and what it warned of."""

    def __init__(self, folder: Path) -> None:
        self.warnings: list[str] = []
        self.folder = folder
        self.store = CheckpointFolder(folder, self.warnings.append)

    def save(self, step: int, best: int = 0) -> bool:
        kept = tensors(100.0 + best) if best else None
        return self.store.save(progress(step, best), tensors(step), {"m": torch.ones(2)}, kept)

    def step(self) -> int | None:
        saved = self.store.load("p")
        return saved.progress.step if saved else None


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_what_was_saved_comes_back_to_the_last_bit(kept: Kept) -> None:
    assert kept.step() is None
    assert kept.save(5, best=2)
    saved = kept.store.load("p")
    assert saved is not None
    assert saved.progress == progress(5, 2)
    assert torch.equal(saved.weights["layer.weight"], tensors(5)["layer.weight"])
    assert saved.best is not None
    assert torch.equal(saved.best["layer.bias"], tensors(102.0)["layer.bias"])
    assert kept.warnings == []


def test_two_checkpoints_are_kept_and_the_best_that_they_name(kept: Kept) -> None:
    for step, best in ((1, 1), (2, 1), (3, 2), (4, 2)):
        kept.save(step, best)
    names = sorted(path.name for path in kept.folder.iterdir())
    assert names == ["000003", "000004", "best-0002"]


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json"])
@pytest.mark.parametrize("harm", ["flip", "truncate", "empty", "remove"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_taken(
    kept: Kept, name: str, harm: str
) -> None:
    kept.save(1)
    kept.save(2)
    path = kept.folder / "000002" / name
    content = bytearray(path.read_bytes())
    if harm == "remove":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        wanted = {"flip": len(content), "truncate": len(content) // 2, "empty": 0}[harm]
        path.write_bytes(bytes(content[:wanted]))
    assert kept.step() == 1
    assert (kept.folder / "damaged-000002").is_dir()
    assert "damaged" in kept.warnings[0]
    assert "the one before is taken" in kept.warnings[0]


def test_a_damaged_list_of_checksums(kept: Kept) -> None:
    kept.save(1)
    (kept.folder / "000001" / "checksums.json").write_text("[1, 2", encoding="utf-8")
    assert kept.step() is None
    assert len(kept.warnings) == 1


def test_damaged_best_weights_cost_the_checkpoints_that_name_them(kept: Kept) -> None:
    kept.save(1, best=1)
    kept.save(2, best=2)
    (kept.folder / "best-0002" / "model.safetensors").write_bytes(b"")
    assert kept.step() == 1


def test_a_checkpoint_of_another_plan_is_left_alone(kept: Kept) -> None:
    kept.save(1)
    assert kept.store.load("another") is None
    assert (kept.folder / "000001").is_dir()
    assert "another run" in kept.warnings[0]


@pytest.mark.parametrize("left", ["of another plan", "damaged"])
def test_best_weights_that_lie_there_already_are_not_taken_for_this_run_s(
    kept: Kept, left: str
) -> None:
    """A run that begins anew in a folder must not end with the weights that it finds there."""
    old = dataclasses.replace(progress(9, 2), plan="old" if left == "of another plan" else "p")
    assert kept.store.save(old, tensors(9), {"m": torch.ones(2)}, tensors(-1.0))
    if left == "damaged":
        (kept.folder / "best-0002" / "model.safetensors").write_bytes(b"")
    anew = Kept(kept.folder)
    assert anew.step() is None
    assert anew.save(5, best=2)
    saved = Kept(kept.folder).store.load("p")
    assert saved is not None
    assert saved.best is not None
    assert torch.equal(saved.best["layer.bias"], tensors(102.0)["layer.bias"])


def test_a_half_written_checkpoint_is_no_checkpoint(kept: Kept) -> None:
    kept.save(1)
    (kept.folder / ".000002.x.part").mkdir()
    (kept.folder / ".000002.x.part" / "model.safetensors").write_bytes(b"half")
    assert kept.step() == 1
    assert kept.save(2)
    assert not (kept.folder / ".000002.x.part").exists()


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.save(1)
    monkeypatch.setattr(module, "write_tensors", full_disk)
    assert not kept.save(2)
    assert "could not be saved (No space left on device)" in kept.warnings[0]
    assert "The last good one is 000001" in kept.warnings[0]
    monkeypatch.undo()
    assert kept.step() == 1
    assert kept.save(3)
    assert kept.step() == 3


def test_too_little_space_is_found_before_training(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.store.require_space(1000)
    monkeypatch.setattr(module, "_free_bytes", lambda _: 10_000_000)
    with pytest.raises(RunFolderError, match="the disk has 10 MB free") as caught:
        kept.store.require_space(50_000_000)
    assert "--runs-dir" in caught.value.remedy
    assert not kept.save(1)
    assert "MB are free" in kept.warnings[0]
    monkeypatch.setattr(module, "_free_bytes", lambda _: 50_000_000)
    with pytest.raises(RunFolderError, match=r"has 50 MB free.* need 51 MB"):
        kept.store.require_space(50_000_001 - module._SPARE_BYTES)


def test_a_folder_that_is_gone(kept: Kept) -> None:
    kept.folder.rmdir()
    assert not kept.save(1)
    assert "could not be saved" in kept.warnings[0]


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Any]:
    from glueharness.plugin.registry import Registry
    from glueharness.run.config import COMMAND_LINE, build_config
    from glueharness.run.one_run import run
    from glueharness.settings.fields import Layer

    def begin_run(resume: str = "", *, rerun: bool = False, **values: str) -> RunRecord:
        registry = Registry(small_plugins())
        given = {"model": "oracle", "runs_dir": str(tmp_path), **values}
        layers = [Layer(origin=COMMAND_LINE, values=given)]
        config = build_config("parity", layers, registry, resume=resume, rerun=rerun)
        return run(config, registry).record

    return begin_run


def test_an_unfinished_run_is_gone_on_with_and_a_complete_one_is_not(
    tmp_path: Path, begin: Callable[..., RunRecord]
) -> None:
    from glueharness.record.run_file import read_record, write_record

    first = begin(seed="3")
    record = read_record(tmp_path / first.id)
    record.status = "running"
    write_record(tmp_path / first.id, record)
    second = begin(seed="3", rerun=True)
    assert second.id != first.id
    shutil.rmtree(tmp_path / second.id)
    record.status = "failed"
    write_record(tmp_path / first.id, record)
    third = begin(seed="3")
    assert third.id != first.id  # it left no checkpoint to go on from
    shutil.rmtree(tmp_path / third.id)
    (tmp_path / first.id / "checkpoint").mkdir()
    (tmp_path / first.id / "checkpoint" / "something").touch()
    other = begin(seed="4")
    assert other.id != first.id
    resumed = begin(seed="3")
    assert (resumed.id, resumed.resumed, resumed.status) == (first.id, 1, "completed")
    assert not (tmp_path / first.id / "checkpoint").exists()


def test_resume_by_name_says_why_it_cannot(tmp_path: Path, begin: Callable[..., RunRecord]) -> None:
    with pytest.raises(RunFolderError, match="no unfinished run of parity"):
        begin("latest")
    record = begin()
    with pytest.raises(RunFolderError, match="is complete"):
        begin(record.id)
    with pytest.raises(PluginError, match="the model broke"):
        begin(fail="error")
    (failed,) = [path.name for path in tmp_path.glob("parity*") if path.name != record.id]
    with pytest.raises(ConfigError, match="fail: error there, interrupt here"):
        begin(failed, fail="interrupt")
    with pytest.raises(RunFolderError, match="left no checkpoint to resume from"):
        begin(failed, fail="error")


def test_another_pause_between_checkpoints_is_no_other_run(tmp_path: Path) -> None:
    from glueharness_finetune import Checkpoint
    from glueharness_finetune.model import FinetunedEncoder
    from tests.finetune_tools import colour_task, model_context, write_checkpoint

    folder = write_checkpoint(tmp_path / "weights")

    def plan(**settings: Any) -> str:
        context = model_context(colour_task(), **settings)
        return FinetunedEncoder(context, Checkpoint(name=str(folder)))._plan(160)

    assert plan(checkpoint_minutes=1.0, token_cache=False) == plan()
    for changed in ({"seed": 7}, {"evaluation_tokens": 512}):
        assert plan(**changed) != plan(), changed
    assert plan(precision="fp32") != plan(precision="bf16")


def test_an_interrupted_run_goes_on_with_another_pause_between_checkpoints(tmp_path: Path) -> None:
    from glueharness.record.run_file import read_record, write_record
    from glueharness.run.one_run import run
    from tests.finetune_kills import colour_registry, configure
    from tests.finetune_tools import write_checkpoint

    start = write_checkpoint(tmp_path / "weights")
    registry = colour_registry()
    runs = tmp_path / "runs"
    first = run(configure(registry, start, runs, epochs="1", threads="1"), registry).record
    assert not first.settings["checkpoint_minutes"].changes_result
    record = read_record(runs / first.id)
    record.status = "interrupted"
    write_record(runs / first.id, record)
    again = run(
        configure(registry, start, runs, epochs="1", checkpoint_minutes="5"), registry
    ).record
    assert (again.id, again.resumed) == (first.id, 1)
    assert again.settings["checkpoint_minutes"].value == 5
    other = run(
        configure(registry, start, runs, epochs="2", checkpoint_minutes="5"), registry
    ).record
    assert other.id != first.id
