"""Settings that compute the same make one run, however they were written; idle ones are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import ConfigError
from glueharness.plugin.registry import Registry
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.new_record import new_record
from glueharness.run.plan import PlanRequest, build_plan
from glueharness.run.prepare import prepare
from glueharness.settings.fields import Layer
from tests.finetune_tools import write_checkpoint
from tests.native_tools import needs_library
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT for inputs of 64 tokens at most."""
    return write_checkpoint(tmp_path_factory.mktemp("identity") / "weights")


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The installed plugins and the small task."""
    return Registry(small_plugins())


def identity_of(registry: Registry, checkpoint: Path, given: dict[str, Any]) -> str:
    """The identity of a run with these options, as the command line gives them."""
    values = {"model": f"hf:{checkpoint}", "precision": "fp32", "device": "cpu", **given}
    layers = [Layer(origin=COMMAND_LINE, values=values)]
    (planned,) = build_plan(PlanRequest(names=["parity"], layers=layers), registry)
    return new_record(prepare(planned.config, registry), registry).identity


def by_file(registry: Registry, checkpoint: Path | str, given: dict[str, Any]) -> str:
    """The same where a preset has all settings but those of the command line.

    A checkpoint's folder stands for the model; a word is a model's name.
    """
    model = checkpoint if isinstance(checkpoint, str) else f"hf:{checkpoint}"
    layers = [
        Layer(origin=COMMAND_LINE, values={"model": model, "precision": "fp32", "offline": True}),
        Layer(origin="preset mine", values=given),
    ]
    config = build_config("parity", layers, registry)
    return new_record(prepare(config, registry), registry).identity


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"class_weights": "even=1,odd=2"}, {"class_weights": "odd=2.0, even=1e0"}),
    ({"max_steps": "4"}, {"max_steps": "4.0"}),
    ({"max_steps": 4}, {"max_steps": 4, "epochs": 9}),
    ({"warmup_steps": 3}, {"warmup_steps": 3, "warmup_ratio": 0.4}),
    ({"warmup_steps": 0}, {"warmup_ratio": 0}),
    ({"warmup_steps": 0}, {"warmup_steps": 0, "warmup_ratio": 0.4}),
    ({"lr_scheduler_type": "constant"}, {"lr_scheduler_type": "constant", "warmup_ratio": 0.3}),
    (
        {"lr_scheduler_type": "constant"},
        {"lr_scheduler_type": "constant_with_warmup", "warmup_ratio": 0},
    ),
    ({"optim": "sgd"}, {"optim": "sgd", "adam_beta1": 0.8, "adam_epsilon": 1e-6}),
    ({"optim": "adafactor"}, {"optim": "adafactor", "adam_beta2": 0.98}),
    ({}, {"lora_alpha": 8, "lora_dropout": 0.1, "lora_modules": "query"}),
    ({"lora_rank": 2}, {"lora_rank": 2, "lora_modules": "value, query"}),
    (
        {"lora_rank": 2, "lora_modules": "query,key"},
        {"lora_rank": 2, "lora_modules": "key, query,key"},
    ),
    ({"epochs": 3}, {"epochs": 3, "early_stopping_patience": 2}),
    ({"epochs": 1}, {"epochs": 1, "keep_best": False}),
    ({"epochs": 1}, {"epochs": 1, "dropout": 0.0}),
    ({}, {"dropout": 0.1}),
    ({"max_length": 64}, {"max_length": 128}),
    ({"max_length": 64}, {"max_length": 512}),
    ({}, {"trust_remote_code": True}),
    ({}, {"auto_batch": True}),
    ({"head_labels": "a,b"}, {"head_labels": "a, b"}),
    # With the one cycle that it has, it restarts where the course ends.
    ({"lr_scheduler_type": "cosine"}, {"lr_scheduler_type": "cosine_with_restarts"}),
]


@pytest.mark.parametrize(("plain", "other"), SAME, ids=str)
def test_the_same_computation_has_one_identity(
    registry: Registry, checkpoint: Path, plain: dict[str, Any], other: dict[str, Any]
) -> None:
    if any(name.startswith("lora") for name in plain):
        pytest.importorskip("peft")
    assert by_file(registry, checkpoint, plain) == by_file(registry, checkpoint, other)


_FOUR_BATCHES = {"gradient_accumulation_steps": 4}
OTHER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"class_weights": "even=1,odd=2"}, {"class_weights": "even=2,odd=1"}),
    ({"epochs": 3}, {"max_steps": 3}),
    ({"warmup_steps": 3}, {"warmup_steps": 4}),
    ({"lr_scheduler_type": "constant_with_warmup"}, {"lr_scheduler_type": "constant"}),
    ({}, {"adam_beta1": 0.8}),
    ({"lora_rank": 2}, {"lora_rank": 2, "lora_alpha": 8}),
    ({"lora_rank": 2}, {"lora_rank": 2, "lora_modules": "query"}),
    ({"lora_rank": 2}, {"lora_rank": 2, "lora_modules": "all-linear"}),
    ({"epochs": 3}, {"epochs": 3, "early_stopping_patience": 1}),
    ({"max_steps": 9}, {"max_steps": 9, "early_stopping_patience": 5}),
    ({"epochs": 2}, {"epochs": 2, "keep_best": False}),
    ({"max_steps": 9}, {"max_steps": 9, "keep_best": False}),
    ({}, {"dropout": 0.0}),
    ({"max_length": 63}, {"max_length": 64}),
    ({"engine": "torch", "batch_size": 32}, {"engine": "torch", "batch_size": 8, **_FOUR_BATCHES}),
    ({"engine": "torch"}, {"engine": "torch", "evaluation_tokens": 1024}),
]


@pytest.mark.parametrize(("one", "other"), OTHER, ids=str)
def test_another_computation_has_another_identity(
    registry: Registry, checkpoint: Path, one: dict[str, Any], other: dict[str, Any]
) -> None:
    if any(name.startswith("lora") for name in one):
        pytest.importorskip("peft")
    assert by_file(registry, checkpoint, one) != by_file(registry, checkpoint, other)


@needs_library
@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ({"batch_size": 32}, {"batch_size": 8, **_FOUR_BATCHES}),
        ({}, {"evaluation_tokens": 1024}),
    ],
    ids=str,
)
def test_an_engine_is_given_whole_steps_and_splits(
    registry: Registry, checkpoint: Path, plain: dict[str, Any], other: dict[str, Any]
) -> None:
    given = {"engine": "native", **plain}
    assert by_file(registry, checkpoint, given) == by_file(
        registry, checkpoint, {"engine": "native", **other}
    )


def changed(folder: Path, **facts: Any) -> Path:
    """A small BERT with other entries in its configuration."""
    config = json.loads((write_checkpoint(folder) / "config.json").read_text(encoding="utf-8"))
    for name, value in facts.items():
        config.pop(name, None) if value is None else config.update({name: value})
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("facts", "same"),
    [
        ({"classifier_dropout": 0.1}, True),
        ({"classifier_dropout": 0.3}, False),
        ({"classifier_dropout": 0.0}, False),
        ({"hidden_dropout_prob": 0.3}, False),
        ({"hidden_dropout_prob": None, "attention_probs_dropout_prob": None}, True),
    ],
    ids=str,
)
def test_a_rate_of_dropout_is_the_checkpoint_s_own_where_it_is_so_everywhere(
    registry: Registry, tmp_path: Path, facts: dict[str, Any], same: bool
) -> None:
    """The head has a rate of its own, and what a configuration leaves unsaid is 0.1."""
    folder = changed(tmp_path, **facts)
    own = by_file(registry, folder, {})
    assert (by_file(registry, folder, {"dropout": 0.1}) == own) is same


def test_fresh_weights_take_no_longer_inputs_than_they_have_positions(
    registry: Registry,
) -> None:
    def of(**given: Any) -> str:
        return by_file(registry, "bert-tiny", given)

    assert of(max_length=512) == of(max_length=4096)
    assert of(max_length=511) != of(max_length=512)
    assert of(identity_pooler=False) == of()


def test_roberta_s_positions_begin_after_the_padding(registry: Registry, tmp_path: Path) -> None:
    folder = changed(tmp_path, model_type="roberta", pad_token_id=1)
    assert by_file(registry, folder, {"max_length": 62}) == by_file(
        registry, folder, {"max_length": 64}
    )
    assert by_file(registry, folder, {"max_length": 61}) != by_file(
        registry, folder, {"max_length": 62}
    )
    # It has no pooler.
    assert by_file(registry, folder, {"identity_pooler": False}) == by_file(registry, folder, {})


def test_a_consent_counts_where_the_checkpoint_has_code(registry: Registry, tmp_path: Path) -> None:
    """The code may compute something else than the class of transformers."""
    folder = write_checkpoint(tmp_path / "weights")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["auto_map"] = {"AutoModelForSequenceClassification": "own.Own"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    trusting = by_file(registry, folder, {"trust_remote_code": True})
    assert by_file(registry, folder, {}) != trusting


def test_the_default_is_what_it_was(registry: Registry, checkpoint: Path) -> None:
    """What has no effect stands at its default: runs of before keep their identity."""
    first = by_file(registry, checkpoint, {"max_length": 64})
    defaults = {
        "warmup_ratio": 0.1, "optim": "adamw", "adam_beta1": 0.9, "keep_best": True,
        "lora_alpha": 16, "max_length": 64,
    }  # fmt: skip
    assert by_file(registry, checkpoint, defaults) == first


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_steps": "4", "epochs": "3"}, "--epochs has no effect: --max-steps is 4"),
        ({"warmup_steps": "4", "warmup_ratio": "0.1"}, "--warmup-ratio has no effect"),
        (
            {"lr_scheduler_type": "constant", "warmup_steps": "4"},
            "--warmup-steps has no effect: the schedule constant has no warm-up",
        ),
        ({"lr_scheduler_type": "constant", "warmup_ratio": "0.2"}, "--warmup-ratio has no effect"),
        ({"optim": "sgd", "adam_beta1": "0.9"}, "it is for AdamW, and --optim is sgd"),
        ({"lora_alpha": "8"}, "it is about LoRA's adapters, and needs --lora-rank"),
        ({"auto_batch": "true"}, "--auto-batch has no effect: it is for a GPU"),
    ],
)
def test_what_the_user_gives_without_effect_is_refused(
    registry: Registry, checkpoint: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        identity_of(registry, checkpoint, given)
    assert said in str(caught.value)
    assert caught.value.where == COMMAND_LINE
    assert "Leave --" in caught.value.remedy


def test_in_a_grid_it_is_refused_too(registry: Registry, checkpoint: Path) -> None:
    layers = [Layer(origin=COMMAND_LINE, values={"model": f"hf:{checkpoint}"})]
    grid = {"optim": ("adamw", "sgd"), "adam_beta1": ("0.8", "0.9")}
    with pytest.raises(ConfigError, match="--adam-beta1 has no effect"):
        build_plan(PlanRequest(names=["parity"], layers=layers, grid=grid), registry)


def test_what_only_a_preset_says_is_not_refused(registry: Registry, checkpoint: Path) -> None:
    """The preset has AdamW's settings, and the user another optimizer."""
    values = {"model": f"hf:{checkpoint}", "optim": "sgd", "max_steps": "4"}
    layers = [Layer(origin=COMMAND_LINE, values=values)]
    request = PlanRequest(names=["parity"], layers=layers, preset="bert")
    assert build_plan(request, registry)


def test_an_untrained_poolers_start_counts_only_where_the_pooler_is_untrained(
    registry: Registry, checkpoint: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import BertModel

    off = {"identity_pooler": False}
    assert by_file(registry, checkpoint, off) != by_file(registry, checkpoint, {})
    folder = write_checkpoint(tmp_path / "weights")
    model = BertModel.from_pretrained(folder)
    assert model.pooler is not None
    torch.nn.init.constant_(model.pooler.dense.bias, 0.1)
    model.save_pretrained(folder)
    assert by_file(registry, folder, off) == by_file(registry, folder, {})


def test_seeds_that_were_written_in_two_ways_are_seeds_of_one_thing(
    registry: Registry, checkpoint: Path
) -> None:
    from glueharness_leaderboard.ranking.settings import configuration, settings_of_run

    def record_of(seed: int, warmup: float, length: int) -> RunRecord:
        layers = [
            Layer(origin=COMMAND_LINE, values={"model": f"hf:{checkpoint}", "seed": seed}),
            Layer(
                origin="preset mine",
                values={"warmup_steps": 3, "warmup_ratio": warmup, "max_length": length},
            ),
        ]
        return new_record(prepare(build_config("parity", layers, registry), registry), registry)

    one, other = record_of(1, 0.1, 64), record_of(2, 0.4, 256)
    assert one.identity != other.identity
    assert configuration(one) == configuration(other)
    assert settings_of_run(other)["max_length"] == 64
    assert configuration(one) != configuration(record_of(3, 0.1, 32))


def test_a_label_that_is_named_twice_is_refused(registry: Registry, checkpoint: Path) -> None:
    with pytest.raises(ConfigError, match="names 'odd' twice"):
        identity_of(registry, checkpoint, {"class_weights": "odd=1,even=1,odd=2"})
