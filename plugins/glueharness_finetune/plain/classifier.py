"""A classifier in arrays: configuration, tokenizer, and where its head stands.

Shapes: k = outputs, h = width.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness_finetune.checksums import plain_errors
from glueharness_finetune.plain import NotPlain
from glueharness_finetune.plain.tokenizer import (
    PlainTokenizer,
    learn_tokenizer,
    read_object,
    read_tokenizer,
)
from glueharness_finetune.plain.weights import read_weights
from glueharness_finetune.pretrained.files import CONFIG
from glueharness_finetune.pretrained.head import plan_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from glueharness import EncoderEngine, TaskSpec
    from glueharness.specs.engine import Arrays
    from glueharness_finetune.pretrained.find import FreshStart
    from glueharness_finetune.tokens.cache import TokenCache

_WEIGHTS, _SPREAD = "model.safetensors", 0.02
_CLASSES = {"bert": "Bert", "electra": "Electra", "distilbert": "DistilBert", "roberta": "Roberta"}
# What transformers takes where the configuration of a fresh BERT is silent, written out.
_BERT = {
    "attention_probs_dropout_prob": 0.1, "classifier_dropout": None, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1, "initializer_range": 0.02, "layer_norm_eps": 1e-12,
    "pad_token_id": 0, "position_embedding_type": "absolute", "type_vocab_size": 2,
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class PlainClassifier:
    """What is known of a classifier besides its weights.

    Attributes:
        config: Its configuration, as in ``config.json``, with the task's labels.
        tokenizer: Its tokenizer.
        facts: What is to be known of it, JSON-able.
        warnings: What the user should know.
    """

    config: dict[str, Any]
    tokenizer: Any
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def save_frame(self, folder: Path) -> None:
        """Write configuration and tokenizer.

        Raises:
            OSError: The disk is full, for instance.
        """
        text = json.dumps(self.config, indent=2, ensure_ascii=False, sort_keys=True)
        (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
        self.tokenizer.save_pretrained(str(folder))

    def save(self, folder: Path, weights: Arrays) -> None:
        """Write a plain checkpoint that transformers' ``pipeline`` takes.

        Raises:
            OSError: The disk is full, for instance.
        """
        from safetensors.numpy import save_file

        self.save_frame(folder)
        with plain_errors():
            save_file(dict(weights), folder / _WEIGHTS, metadata={"format": "pt"})


def read_config(folder: Path) -> dict[str, Any]:
    """A checkpoint's configuration.

    Raises:
        NotPlain: It does not name its model type, or brings code of its own.
    """
    config = read_object(folder / CONFIG)
    if not isinstance(config.get("model_type"), str):
        raise NotPlain(f"{CONFIG} names no model type")
    if config.get("auto_map"):
        raise NotPlain("the checkpoint brings code of its own")
    if config.get("transformers_weights"):
        raise NotPlain("the weights are in a file of another name")
    spread = config.get("initializer_range", _SPREAD)
    if not isinstance(spread, float) or not 0 < spread < math.inf:
        raise NotPlain(f"initializer_range is {spread!r}")
    return config


def own_labels(config: Mapping[str, Any]) -> dict[int, str]:
    """The names that a checkpoint gives its outputs, by their number.

    Raises:
        NotPlain: They are not names by number.
    """
    named = config.get("id2label")
    if named is None:
        count = config.get("num_labels", 2)
        if not isinstance(count, int):
            raise NotPlain(f"num_labels is {count!r}")
        return {number: f"LABEL_{number}" for number in range(count)}
    if not isinstance(named, dict) or not all(
        str(key).isdecimal() and isinstance(name, str) for key, name in named.items()
    ):
        raise NotPlain("id2label does not give each output's number a name")
    return {int(number): name for number, name in named.items()}


def with_labels(config: Mapping[str, Any], task: TaskSpec) -> dict[str, Any]:
    """A configuration with the task's label names, as transformers writes it."""
    names = ["LABEL_0"] if task.regression else list(task.labels)
    found = {name: value for name, value in config.items() if name != "num_labels"}
    kind = _CLASSES.get(str(config["model_type"]))
    return found | {
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
        "problem_type": "regression" if task.regression else "single_label_classification",
        "dtype": "float32",
        **({"architectures": [f"{kind}ForSequenceClassification"]} if kind else {}),
    }


def begin_pretrained(
    folder: Path, task: TaskSpec, engine: EncoderEngine, *, identity_pooler: bool, seed: int
) -> PlainClassifier:
    """Fill an engine with a checkpoint's weights; a head is kept, rearranged or made anew.

    Args:
        folder: The checkpoint.
        task: The task, whose labels decide about the head.
        engine: Its weights are written.
        identity_pooler: Whether a pooler that was never trained begins as the identity.
        seed: Of fresh weights.

    Raises:
        NotPlain: Something is not as usual.
    """
    config = read_config(folder)
    tokenizer = fitting_tokenizer(folder, config)
    own = own_labels(config)
    if sorted(own) != list(range(len(own))):
        raise NotPlain("the outputs are not numbered from 0")
    plan = plan_head(own, task)
    weights = engine.weights
    pooler, output = head_layers(weights)
    stored = read_weights(folder, weights, _parameters(pooler, output))
    found = PlainClassifier(config=with_labels(config, task), tokenizer=tokenizer)
    there = f"{output}.weight" in stored
    if there and plan.keep:
        if plan.order is not None:
            for name in _parameters(output) & set(stored):
                stored[name] = stored[name][list(plan.order)]
            found.facts["head_order"] = dict(zip(task.labels, plan.order, strict=True))
        found.facts["head"] = f"kept: {plan.reason}"
    else:
        reason = plan.reason if there else "the checkpoint has none for the task"
        found.facts["head"] = f"fresh: {reason}"
        for name in _parameters(output):
            stored.pop(name, None)
        in_encoder = pooler.startswith(_prefix(weights))
        bias = stored.get(f"{pooler}.bias")
        if identity_pooler and in_encoder and (bias is None or not bias.any()):
            width = len(weights[f"{pooler}.bias"])
            stored[f"{pooler}.weight"] = np.eye(width, dtype=np.float32)
            stored[f"{pooler}.bias"] = np.zeros(width, np.float32)
            found.facts["pooler"] = "begins as the identity: it was never trained"
    if plan.warning:
        found.warnings.append(plan.warning)
    fill(engine, stored, config.get("initializer_range", _SPREAD), seed)
    return found


def begin_fresh(
    start: FreshStart, texts: Iterable[str], task: TaskSpec, cache: TokenCache | None
) -> tuple[PlainClassifier, float]:
    """A classifier whose vocabulary is learnt from texts; its weights are to be drawn.

    Args:
        start: Architecture and size of the vocabulary.
        texts: The training texts.
        task: The task.
        cache: Where vocabularies are kept.

    Returns:
        The classifier, and the standard deviation of its fresh weights.

    Raises:
        NotPlain: The architecture is not BERT's.
    """
    if start.model_type != "bert":
        raise NotPlain(f"fresh weights of {start.model_type}")
    tokenizer = learn_tokenizer(texts, start.vocabulary, cache)
    config = {
        **_BERT, **start.architecture, "model_type": "bert", "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    facts = {"head": "fresh: all weights are", "vocabulary": len(tokenizer)}
    found = PlainClassifier(config=with_labels(config, task), tokenizer=tokenizer, facts=facts)
    return found, float(config["initializer_range"])


def load_saved(folder: Path, engine: EncoderEngine) -> PlainClassifier:
    """Fill an engine with the weights of a classifier that was saved after training.

    Raises:
        NotPlain: Something is not as usual.
    """
    config = read_config(folder)
    stored = read_weights(folder, engine.weights, set())
    for name, values in engine.weights.items():
        values[...] = stored[name]
    engine.changed()
    return PlainClassifier(config=config, tokenizer=fitting_tokenizer(folder, config))


def fitting_tokenizer(folder: Path, config: Mapping[str, Any]) -> PlainTokenizer:
    """A checkpoint's tokenizer, which has no more tokens than the model.

    Raises:
        NotPlain: Something is not as usual.
    """
    tokenizer = read_tokenizer(folder, config["model_type"])
    rows = config.get("vocab_size")
    if not isinstance(rows, int) or len(tokenizer) > rows:
        raise NotPlain("the tokenizer has more tokens than the model")
    return tokenizer


def fill(engine: EncoderEngine, stored: Arrays, spread: float, seed: int) -> None:
    """Write weights into an engine, and draw those that are not there as BERT begins.

    Args:
        engine: The engine.
        stored: Weights by name.
        spread: Standard deviation of the others.
        seed: Of those.
    """
    generator = np.random.default_rng([seed, 1])
    for name, values in engine.weights.items():
        if name in stored:
            values[...] = stored[name]
        elif name.endswith(".bias"):
            values[...] = 0
        elif values.ndim == 1:
            values[...] = 1  # of a norm
        else:
            values[...] = generator.normal(0, spread, values.shape)
    engine.changed()


def head_layers(weights: Arrays) -> tuple[str, str]:
    """The layer before the outputs, and that of the outputs.

    Raises:
        NotPlain: There are not just these two on top of the encoder.
    """
    prefix = _prefix(weights)
    found = [
        name.removesuffix(".weight")
        for name, values in weights.items()
        if name.endswith(".weight") and values.ndim == 2
        if not name.startswith(prefix) or ".pooler." in name
    ]
    if len(found) != 2:
        raise NotPlain("the head is not of two layers")
    return found[0], found[1]


def _prefix(weights: Arrays) -> str:
    """What the names of the encoder's parameters begin with."""
    return next(iter(weights)).split(".")[0] + "."


def _parameters(*layers: str) -> set[str]:
    return {f"{layer}.{end}" for layer in layers for end in ("weight", "bias")}
