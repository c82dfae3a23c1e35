"""The settings as they take effect on a checkpoint and a task: one form for each computation.

Two runs that compute the same are the same run, however their settings were written. What follows
from the settings alone, they say themselves (:meth:`LearningSettings.in_effect`); here is what only
the checkpoint, the task and the device tell.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from glueharness_finetune.engine_choice import TORCH
from glueharness_finetune.pretrained.files import CONFIG, SAFE
from glueharness_finetune.training.loss import weights_by_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from glueharness import ModelContext, TaskSpec
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.start import Start

_TOKENIZER = "tokenizer_config.json"
_TABLE_OF_POSITIONS = frozenset({"albert", "bert", "distilbert", "electra", "mpnet"})
"""Architectures with a vector for each position: none has more than its configuration says."""
_POSITIONS_AFTER_PADDING = frozenset({"camembert", "roberta", "xlm-roberta"})
"""The same, where the first position is numbered after the padding."""
_PADDING_OF_ROBERTA = 1
_FRESH_POSITIONS = 512
"""What a tokenizer that is learnt from the texts limits inputs to."""
_DROPOUT_OF_BERT = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
"""By the configuration's names, with what transformers takes where it is silent."""
_DROPOUT_OF_HEAD = "classifier_dropout"
_POOLER_BIASES = ("pooler.dense.bias", "pooler.bias")
_WITHOUT_POOLER = frozenset({"distilbert", "electra", *_POSITIONS_AFTER_PADDING})
_AS_BERT = frozenset({"bert", "electra", *_POSITIONS_AFTER_PADDING})


def settings_in_effect(
    start: Start, context: ModelContext, device: str, engine: str
) -> dict[str, Any]:
    """The settings that take effect with another value than the one given, by name.

    Args:
        start: What training starts from; its settings have the recipes in them.
        context: Task and settings as they were given.
        device: Kind of device that computes.
        engine: Name of what computes.
    """
    given, settings = context.settings, start.settings
    found = {
        **start.changed(given),
        **(_seen_by_engine(settings) if engine != TORCH else {}),
        **dict(_plainer(start, settings, context.task, device)),
    }
    return {name: value for name, value in found.items() if value != getattr(given, name)}


def _seen_by_engine(settings: FinetuneSettings) -> dict[str, Any]:
    """What an engine is given: all rows of a step at once, and splits that it parts by itself."""
    defaults = {item.name: item.default for item in dataclasses.fields(settings)}
    return {
        "batch_size": settings.rows_a_step,
        "gradient_accumulation_steps": 1,
        "evaluation_tokens": defaults["evaluation_tokens"],
    }


def _plainer(
    start: Start, settings: FinetuneSettings, task: TaskSpec, device: str
) -> Iterator[tuple[str, Any]]:
    """The settings that can be said in a plainer way."""
    folder = start.found.folder
    config = _read(folder, CONFIG)
    if settings.class_weights is not None and (weights := weights_by_label(settings, task)):
        yield "class_weights", ",".join(f"{label}={weights[label]!r}" for label in task.labels)
    if settings.head_labels is not None:
        yield "head_labels", ",".join(name.strip() for name in settings.head_labels.split(","))
    if settings.lora_rank is not None and settings.lora_modules is not None:
        yield "lora_modules", _layers_with_adapters(settings.lora_modules, config)
    if settings.auto_batch and device != "cuda":
        yield "auto_batch", False
    if folder is None:
        yield "trust_remote_code", False
        yield "identity_pooler", True
        yield "max_length", min(settings.max_length, _FRESH_POSITIONS)
        return
    if not settings.identity_pooler and (
        config.get("model_type") in _WITHOUT_POOLER or _has_trained_pooler(folder)
    ):
        yield "identity_pooler", True
    tokenizer = _read(folder, _TOKENIZER)
    if "auto_map" not in config and "auto_map" not in tokenizer:
        yield "trust_remote_code", False
    yield "max_length", min([settings.max_length, *_limits(config, tokenizer)])
    if config.get("model_type") in _AS_BERT and _own_dropout(config) == {settings.dropout}:
        yield "dropout", None


def _own_dropout(config: Mapping[str, Any]) -> set[Any]:
    """The rates of dropout in a configuration; the head has that of the layers, or its own."""
    own = [config.get(name, default) for name, default in _DROPOUT_OF_BERT.items()]
    head = config.get(_DROPOUT_OF_HEAD)
    return {*own, own[0] if head is None else head}


def _limits(config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> Iterator[int]:
    """What inputs cannot be longer than, whatever is asked for: at least one token."""
    known = [tokenizer.get("model_max_length")]
    kind, positions = config.get("model_type"), config.get("max_position_embeddings")
    if kind in _TABLE_OF_POSITIONS:
        known.append(positions)
    if kind in _POSITIONS_AFTER_PADDING and isinstance(positions, int):
        padding = config.get("pad_token_id", _PADDING_OF_ROBERTA)
        known.append(positions - padding - 1 if isinstance(padding, int) else positions)
    for limit in known:
        if isinstance(limit, int | float) and limit >= 1:
            yield int(limit)


def _layers_with_adapters(asked: str, config: Mapping[str, Any]) -> str | None:
    """The names in one order; None if they are those that peft takes anyway."""
    from glueharness_finetune.training.lora import usual_layers

    names = sorted({name.strip() for name in asked.split(",")})
    usual = usual_layers(str(config.get("model_type", "")))
    return None if names == sorted(usual) else ",".join(names)


def _has_trained_pooler(folder: Path) -> bool:
    """Whether the weights have a pooler whose bias is no longer zero: then it is kept anyway."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / SAFE[0], "numpy") as weights:
            names = [name for name in weights.keys() if name.endswith(_POOLER_BIASES)]  # noqa: SIM118 - no mapping
            return len(names) == 1 and bool(weights.get_tensor(names[0]).any())
    except (OSError, SafetensorError, TypeError):  # in parts, or in a format that numpy lacks
        return False


def _read(folder: Path | None, name: str) -> Mapping[str, Any]:
    """A file of settings; empty if it is not there or no such file: that is told in loading."""
    if folder is None:
        return {}
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
