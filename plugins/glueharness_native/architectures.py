"""Which checkpoints are a computation that the engine knows, and what they call their parameters.

They all are BERT's encoder (Devlin et al. 2019, https://arxiv.org/abs/1810.04805) with a head of a
dense layer, an activation and a classifier. What they differ in is in :data:`_FAMILIES`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TANH, _GELU, _RELU = 0, 1, 2
_BERT_LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
_DISTILBERT_LAYER = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attention": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "intermediate": "ffn.lin1",
    "output": "ffn.lin2",
    "output_norm": "output_layer_norm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """How a model type names and orders things.

    Attributes:
        prefix: Of the encoder's parameters.
        layers: Path of the layers, without the prefix.
        layer: The parts of a layer, by the engine's names.
        pooler: The dense layer between encoder and classifier.
        classifier: The layer that gives the outputs.
        activation: Between the two.
        drops_before_pooler: Whether the head drops out what it is given, too.
        after_padding: Whether positions are numbered from the padding id on.
        sizes: What the configuration calls the sizes, where it is not as BERT's does.
        fixed: What the configuration leaves unsaid.
    """

    prefix: str
    layers: str = "encoder.layer"
    layer: Mapping[str, str]
    pooler: str
    classifier: str
    activation: int = _TANH
    drops_before_pooler: bool = False
    after_padding: bool = False
    sizes: Mapping[str, str]
    fixed: Mapping[str, Any]


_BERT_SIZES = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "vocabulary": "vocab_size",
    "positions": "max_position_embeddings",
    "types": "type_vocab_size",
    "activation": "hidden_act",
    "epsilon": "layer_norm_eps",
    "dropout_hidden": "hidden_dropout_prob",
    "dropout_attention": "attention_probs_dropout_prob",
    "dropout_classifier": "classifier_dropout",
}
_DISTILBERT_SIZES = {
    "layers": "n_layers",
    "hidden": "dim",
    "heads": "n_heads",
    "intermediate": "hidden_dim",
    "vocabulary": "vocab_size",
    "positions": "max_position_embeddings",
    "activation": "activation",
    "dropout_hidden": "dropout",
    "dropout_attention": "attention_dropout",
    "dropout_classifier": "seq_classif_dropout",
}
# What transformers takes where a configuration is silent.
_BERT_DEFAULTS = {
    "num_hidden_layers": 12, "hidden_size": 768, "num_attention_heads": 12,
    "intermediate_size": 3072, "vocab_size": 30522, "max_position_embeddings": 512,
    "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
    "pad_token_id": 0,
}  # fmt: skip
_DISTILBERT_DEFAULTS = {
    "n_layers": 6, "dim": 768, "n_heads": 12, "hidden_dim": 3072, "vocab_size": 30522,
    "max_position_embeddings": 512, "activation": "gelu", "dropout": 0.1,
    "attention_dropout": 0.1, "seq_classif_dropout": 0.2, "pad_token_id": 0,
}  # fmt: skip
_ROBERTA = _Family(
    prefix="roberta.",
    layer=_BERT_LAYER,
    pooler="classifier.dense",
    classifier="classifier.out_proj",
    drops_before_pooler=True,
    after_padding=True,
    sizes=_BERT_SIZES,
    fixed={**_BERT_DEFAULTS, "vocab_size": 50265, "pad_token_id": 1},
)
_FAMILIES = {
    "bert": _Family(
        prefix="bert.",
        layer=_BERT_LAYER,
        pooler="bert.pooler.dense",
        classifier="classifier",
        sizes=_BERT_SIZES,
        fixed=_BERT_DEFAULTS,
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    # RoBERTa's head with another activation.
    "electra": replace(
        _ROBERTA,
        prefix="electra.",
        activation=_GELU,
        after_padding=False,
        fixed={
            **_BERT_DEFAULTS, "embedding_size": 128, "hidden_size": 256, "num_attention_heads": 4,
            "intermediate_size": 1024,
        },
    ),
    "distilbert": _Family(
        prefix="distilbert.",
        layers="transformer.layer",
        layer=_DISTILBERT_LAYER,
        pooler="pre_classifier",
        classifier="classifier",
        activation=_RELU,
        sizes=_DISTILBERT_SIZES,
        fixed=_DISTILBERT_DEFAULTS,
    ),
}  # fmt: skip
# Switches of a configuration that make it another computation; what each must be, if it is there.
_MUST_BE: Mapping[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute", None),
    "is_decoder": (False, None),
    "add_cross_attention": (False, None),
    "chunk_size_feed_forward": (0, None),
    "sinusoidal_pos_embds": (False, True, None),  # fixed at the beginning, and trained like others
    "pruned_heads": ({}, None),
    "tie_weights_": (True, False, None),
    "quantization_config": (None,),
    "auto_map": (None,),
}

# Other words for the sizes that transformers takes from a configuration as well.
_ALSO_CALLED = {
    "distilbert": ("hidden_size", "num_attention_heads", "num_hidden_layers"),
}
_MOST = {"layers": 1 << 10, "heads": 1 << 10}
"""Above these no model is meant; for the other sizes it is :data:`_MOST_ROWS`."""
_MOST_ROWS = 1 << 24
_SIZES = (
    "layers", "heads", "vocabulary", "positions", "types", "hidden", "intermediate", "embedding",
)  # fmt: skip


class Unsupported(Exception):  # noqa: N818 - not an error: another engine serves
    """The engine does not know this computation; the message says why, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A checkpoint's computation.

    Attributes:
        family: The model type in the terms of transformers.
        sizes: The fields of ``library.Config`` but for ``labels``, ``regression``, ``bf16`` and
            ``threads``.
    """

    family: str
    sizes: Mapping[str, Any]

    def parameters(self) -> dict[str, tuple[str, int, int]]:
        """Where each parameter of the checkpoint lies, but for the word vectors.

        Returns:
            By its name in the checkpoint: the engine's name, the first row in that, and the rows
            (0: all).
        """
        family, hidden = _FAMILIES[self.family], int(self.sizes["hidden"])
        found: dict[str, tuple[str, int, int]] = {}

        def add(theirs: str, ours: str, first: int = 0, rows: int = 0) -> None:
            for end in ("weight", "bias"):
                found[f"{theirs}.{end}"] = (f"{ours}.{end}", first, rows)

        embeddings = f"{family.prefix}embeddings."
        found[f"{embeddings}position_embeddings.weight"] = ("positions", 0, 0)
        if self.sizes["types"]:
            found[f"{embeddings}token_type_embeddings.weight"] = ("types", 0, 0)
        add(f"{embeddings}LayerNorm", "embedding_norm")
        if self.sizes["embedding"] != hidden:
            add(f"{family.prefix}embeddings_project", "projection")
        for number in range(int(self.sizes["layers"])):
            layer = f"{family.prefix}{family.layers}.{number}."
            for place, part in enumerate(("query", "key", "value")):
                add(layer + family.layer[part], f"{number}.qkv", place * hidden, hidden)
            for part in ("attention", "attention_norm", "intermediate", "output", "output_norm"):
                add(layer + family.layer[part], f"{number}.{part}")
        add(family.pooler, "pooler")
        add(family.classifier, "classifier")
        return found

    @property
    def drops_before_pooler(self) -> bool:
        """Whether the head drops out what it is given, too."""
        return _FAMILIES[self.family].drops_before_pooler

    @property
    def words(self) -> str:
        """The checkpoint's name of the word vectors."""
        return f"{_FAMILIES[self.family].prefix}embeddings.word_embeddings.weight"

    def height(self, parameter: str) -> int:
        """The layer that a parameter of the checkpoint belongs to, for layer-wise learning rates.

        0 for the embeddings and their projection, 1 for the first layer, and one more than the
        last layer's for the head.
        """
        family = _FAMILIES[self.family]
        path = f"{family.prefix}{family.layers}."
        if parameter.startswith(path):
            return 1 + int(parameter.removeprefix(path).split(".")[0])
        in_embeddings = parameter.startswith(f"{family.prefix}embeddings")
        return 0 if in_embeddings else int(self.sizes["layers"]) + 1


def read_architecture(config: Mapping[str, Any]) -> Architecture:
    """The computation that a checkpoint's ``config.json`` describes.

    Args:
        config: Its content.

    Raises:
        Unsupported: It is another one than the engine knows.
    """
    family_name = str(config.get("model_type"))
    if family_name not in _FAMILIES:
        raise Unsupported(f"it is for {', '.join(_FAMILIES)}; this is {family_name}")
    family = _FAMILIES[family_name]
    _check_switches(config)
    values = {
        ours: config.get(theirs, family.fixed[theirs]) for ours, theirs in family.sizes.items()
    }
    if values.get("types") == 0:
        raise Unsupported("the configuration leaves no room for token types")
    values.setdefault("types", 0)
    values.setdefault("epsilon", 1e-12)
    activation = values.pop("activation")
    if activation != "gelu":
        raise Unsupported(f"the activation is {activation}, not gelu")
    hidden_rate = values["dropout_hidden"]
    if values["dropout_classifier"] is None:
        values["dropout_classifier"] = hidden_rate
    values["dropout_pooler"] = values["dropout_classifier"] if family.drops_before_pooler else 0.0
    values["embedding"] = values["hidden"]
    if family_name == "electra":
        values["embedding"] = config.get("embedding_size", family.fixed["embedding_size"])
    values["padding"] = _padding(config.get("pad_token_id", family.fixed["pad_token_id"]), family)
    values["offset"] = values["padding"] + 1 if family.after_padding else 0
    values["pooler"] = family.activation
    _check(values)
    return Architecture(family=family_name, sizes=values)


def _check_switches(config: Mapping[str, Any]) -> None:
    for name, allowed in _MUST_BE.items():
        if name in config and config[name] not in allowed:
            raise Unsupported(f"the checkpoint's {name} is {config[name]!r}")
    for name in _ALSO_CALLED.get(str(config.get("model_type")), ()):
        if name in config:
            raise Unsupported(f"the configuration calls a size {name}")


def _padding(given: Any, family: _Family) -> Any:
    """The padding id as the engine has it: -1 if there is none."""
    if given is None and family.after_padding:
        raise Unsupported("positions are numbered from the padding id on, and there is none")
    if isinstance(given, int) and given < 0:
        raise Unsupported(f"the padding id is {given}")
    return -1 if given is None else given


def _check(values: Mapping[str, Any]) -> None:
    rates = {"epsilon", *(name for name in values if name.startswith("dropout"))}
    for name, value in values.items():
        kinds: tuple[type, ...] = (int, float) if name in rates else (int,)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise Unsupported(f"the configuration's {name} is {value!r}")
    for name in _SIZES:
        # A model type without token types says nothing of them, and has 0.
        if not 0 <= values[name] <= _MOST.get(name, _MOST_ROWS):
            raise Unsupported(f"the configuration's {name} is {values[name]}")
    _check_shapes(values)
    if not all(0 <= values[name] < 1 for name in rates) or not values["epsilon"]:
        raise Unsupported("a rate is not in [0, 1)")


def _check_shapes(values: Mapping[str, Any]) -> None:
    """Refuse sizes that do not fit each other, or the engine's vectors."""
    if values["padding"] >= values["vocabulary"] or values["offset"] >= values["positions"]:
        raise Unsupported("the padding id does not fit the sizes")
    for name in ("hidden", "intermediate", "embedding"):
        if values[name] < 16 or values[name] % 16:
            raise Unsupported(f"{name} is {values[name]}, not a multiple of 16")
    if values["layers"] < 1 or values["heads"] < 1 or values["hidden"] % values["heads"]:
        raise Unsupported("the sizes of layers and heads do not fit")
    if values["hidden"] // values["heads"] % 16:
        raise Unsupported(
            f"a head is {values['hidden'] // values['heads']} wide, no multiple of 16"
        )
    if values["embedding"] > values["hidden"]:
        raise Unsupported("the embeddings are wider than the encoder")
