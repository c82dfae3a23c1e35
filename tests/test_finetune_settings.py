"""The engine's settings: names, units, cross-checks; where a model's weights come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from glueharness import ConfigError, ModelError
from glueharness.plugin.registry import Registry
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.settings.fields import Layer
from glueharness_finetune import Checkpoint, FinetuneSettings
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.runtime import choose_runtime, cpu_has_bf16
from tests.finetune_tools import (
    colour_task,
    model_context,
    write_checkpoint,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def configure(registry: Registry, **values: Any) -> Any:
    layers = [Layer(origin=COMMAND_LINE, values=values)]
    return build_config("qnli", layers, registry).settings


def test_the_usual_names_and_the_recipe(registry: Registry) -> None:
    settings = configure(registry, model="bert-tiny", batch_size="8", warmup_ratio="0.2")
    assert (settings.batch_size, settings.warmup_ratio) == (8, 0.2)
    assert (settings.epochs, settings.learning_rate) == (4, 3e-4)
    general = configure(registry, model="hf:roberta-base")
    assert (general.batch_size, general.learning_rate) == (32, 5e-5)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_length": "0"}, "--max-length must be a whole number (8 to 131072, tokens)"),
        ({"learning_rate": "0"}, "--learning-rate must be a number (more than 0 and at most 1)"),
        ({"warmup_ratio": "1"}, "at least 0 and less than 1, fraction"),
        ({"precision": "fp8"}, "one of auto, fp32, bf16, fp16"),
        ({"batch_size": "65536", "gradient_accumulation_steps": "65536"}, "rows per step"),
        ({"adam_epsilon": "1e-45"}, "--adam-epsilon must be a number (1e-30 to 1)"),
        ({"max_grad_norm": "1e-300"}, "--max-grad-norm 1e-300 must be at least 1e-30, or 0"),
        ({"batch_size": "-1"}, "--batch-size must be a whole number (1 to 65536, rows)"),
    ],
)
def test_settings_out_of_range_are_refused_with_unit(
    registry: Registry, values: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(registry, model="bert-tiny", **values)
    assert said in str(caught.value)


def test_settings_that_do_not_fit_together() -> None:
    with pytest.raises(ValueError, match="must hold at least one input of --max-length 512"):
        FinetuneSettings(max_length=512, evaluation_tokens=511)


def test_precision_and_device_are_resolved() -> None:
    found = choose_runtime(FinetuneSettings())
    if not torch.cuda.is_available():
        assert found.device.type == "cpu"
        assert found.precision == ("bf16" if cpu_has_bf16() else "fp32")
        with pytest.raises(ConfigError, match="no CUDA GPU"):
            choose_runtime(FinetuneSettings(device="cuda"))
    assert choose_runtime(FinetuneSettings(precision="fp32", threads=1)).threads == 1


@pytest.mark.parametrize("able", [True, False])
def test_bf16_that_a_gpu_only_imitates_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return including_emulation or able

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_runtime(FinetuneSettings()).precision == ("bf16" if able else "fp32")
    if not able:
        with pytest.raises(ConfigError, match="this GPU has none"):
            choose_runtime(FinetuneSettings(precision="bf16"))


def test_an_apple_gpu_is_taken_only_if_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice alone: no result on such a GPU has been checked."""
    with pytest.raises(ConfigError, match="PyTorch finds no Apple GPU here"):
        choose_runtime(FinetuneSettings(device="mps"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_runtime(FinetuneSettings()).device.type == "cpu"
    chosen = choose_runtime(FinetuneSettings(device="mps"))
    assert (chosen.device.type, chosen.precision) == ("mps", "fp32")
    assert not chosen.on_gpu
    assert not chosen.on_processor


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere-in-particular"])
def test_a_folder_that_is_not_there_is_found_early(name: str) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        FinetunedEncoder(model_context(colour_task()), Checkpoint(name=name)).fingerprint()


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"it has no config\.json"):
        FinetunedEncoder(model_context(colour_task()), Checkpoint(name=str(tmp_path))).fingerprint()
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"it has no model\.safetensors"):
        FinetunedEncoder(
            model_context(colour_task(), weights=tmp_path), Checkpoint(name="x")
        ).fingerprint()


def test_pickled_weights_of_a_run_are_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "weights", labels=("entailment", "not_entailment"))
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    model = FinetunedEncoder(model_context(colour_task()), Checkpoint(name=str(folder)))
    with pytest.raises(ModelError, match="no weights in the safetensors format"):
        model.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_file_gives_one_message(tmp_path: Path, name: str) -> None:
    folder = write_checkpoint(tmp_path / "weights", labels=("entailment", "not_entailment"))
    model = FinetunedEncoder(model_context(colour_task()), Checkpoint(name=str(folder)))
    (folder / name).write_bytes(b"\x00damaged")
    with pytest.raises(ModelError, match=r"the model cannot be loaded|no JSON|damaged") as caught:
        model.load(folder)
    assert caught.value.where.startswith(str(folder))


def test_numbers_drawn_are_those_of_manual_seed() -> None:
    torch.manual_seed(2**62 + 1)
    expected = torch.rand(5)
    choose_runtime(FinetuneSettings(device="cpu")).draw_from(2**62 + 1)
    assert torch.equal(torch.rand(5), expected)
