"""Small encoders for the native engine's tests, and the same computation by transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness.specs import Schedule
from glueharness_native.architectures import read_architecture
from glueharness_native.compiling import LIBRARIES, source_hash
from glueharness_native.encoder import Machine, NativeEncoder
from glueharness_native.library import Library, processor_flags, usable

if TYPE_CHECKING:
    import numpy.typing as npt

SHAPES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "bert": ("bert", 2, {
        "num_hidden_layers": 2, "hidden_size": 128, "num_attention_heads": 2,
        "intermediate_size": 512, "vocab_size": 500,
    }),
    "bert-regression": ("bert", 1, {
        "num_hidden_layers": 3, "hidden_size": 96, "num_attention_heads": 6,
        "intermediate_size": 208, "vocab_size": 300,
    }),
    "one-layer": ("bert", 5, {
        "num_hidden_layers": 1, "hidden_size": 48, "num_attention_heads": 1,
        "intermediate_size": 80, "vocab_size": 120,
    }),
    "roberta": ("roberta", 3, {
        "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 2,
        "intermediate_size": 128, "vocab_size": 300, "max_position_embeddings": 514,
        "type_vocab_size": 1,
    }),
    "electra": ("electra", 3, {
        "num_hidden_layers": 2, "hidden_size": 64, "embedding_size": 32,
        "num_attention_heads": 2, "intermediate_size": 128, "vocab_size": 300,
    }),
    "distilbert": ("distilbert", 3, {
        "n_layers": 2, "dim": 64, "n_heads": 2, "hidden_dim": 128, "vocab_size": 300,
    }),
}  # fmt: skip


def libraries() -> list[str]:
    """The instruction sets whose library is there, fresh, and can run here."""
    names = [n for n in usable(processor_flags()) if (LIBRARIES / f"{n}.so").is_file()]
    return [name for name in names if Library(LIBRARIES / f"{name}.so").source == source_hash()]


COMPILED = libraries()
needs_library = pytest.mark.skipif(
    not COMPILED, reason="the native engine is not compiled from the present sources: pip install ."
)


def library(name: str = "") -> Library:
    """A library by its instruction set; the best by default."""
    return Library(LIBRARIES / f"{name or COMPILED[0]}.so")


def torch_model(shape: str, seed: int = 0, **more: Any) -> Any:
    """A classifier of transformers, fresh, with norms and biases that are not ones and zeros."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    kind, outputs, sizes = SHAPES[shape]
    torch.manual_seed(seed)
    config = AutoConfig.for_model(kind, **{**sizes, **more})
    config.num_labels = outputs
    from_config: Any = AutoModelForSequenceClassification.from_config
    model = from_config(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name.lower() or "bias" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def native_of(
    model: Any, *, dropout: float | None = 0.0, name: str = "", threads: int = 2, bf16: bool = False
) -> NativeEncoder:
    """The native engine with the weights of a model of transformers."""
    outputs = int(model.config.num_labels)
    encoder = NativeEncoder(
        read_architecture(model.config.to_dict()),
        Machine(library=library(name), threads=threads, bf16=bf16),
        outputs=outputs, regression=outputs == 1, dropout=dropout,
    )  # fmt: skip
    theirs = {name: p.detach().float().numpy() for name, p in model.named_parameters()}
    assert set(theirs) == set(encoder.weights)
    for parameter, view in encoder.weights.items():
        assert view.shape == theirs[parameter].shape, parameter
        view[...] = theirs[parameter]
    encoder.changed()
    return encoder


@dataclass(frozen=True)
class Rows:
    """Tokenised rows, as :class:`glueharness.specs.TokenRows` wants them."""

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8] | None
    offsets: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Material:
    """Made-up rows with targets."""

    rows: Rows
    targets: npt.NDArray[np.float32]

    @property
    def all(self) -> npt.NDArray[np.int64]:
        return np.arange(len(self.targets))


def material(model: Any, count: int, shortest: int, longest: int, seed: int = 0) -> Material:
    """Rows of made-up words, ``shortest`` to ``longest`` tokens each."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(shortest, longest + 1, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = generator.integers(3, model.config.vocab_size, offsets[-1]).astype(np.int32)
    types = None
    if getattr(model.config, "type_vocab_size", 0) > 1:
        types = np.concatenate([np.arange(n) > n // 2 for n in lengths]).astype(np.int8)
    outputs = int(model.config.num_labels)
    targets = generator.random(count) * 5 if outputs == 1 else generator.integers(0, outputs, count)
    return Material(Rows(ids=ids, types=types, offsets=offsets), targets.astype(np.float32))


def inputs_of(model: Any, rows: Rows, batch: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Padded inputs for a model of transformers."""
    import torch

    lengths = np.diff(rows.offsets)[batch]
    shape = (len(batch), int(lengths.max()))
    ids = np.full(shape, model.config.pad_token_id or 0)
    mask, types = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for place, row in enumerate(batch):
        start, end = rows.offsets[row], rows.offsets[row + 1]
        ids[place, : end - start] = rows.ids[start:end]
        mask[place, : end - start] = 1
        if rows.types is not None:
            types[place, : end - start] = rows.types[start:end]
    found = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if rows.types is not None:
        found["token_type_ids"] = torch.from_numpy(types)
    return found


def torch_loss(model: Any, made: Material, batch: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    """Mean loss and logits, as tensors."""
    import torch
    from torch.nn import functional

    logits = model(**inputs_of(model, made.rows, batch)).logits
    targets = torch.from_numpy(made.targets[batch])
    if logits.shape[1] == 1:
        return functional.mse_loss(logits[:, 0], targets.to(logits.dtype)), logits
    return functional.cross_entropy(logits, targets.long()), logits


def schedule(steps: int = 50, rate: float = 1e-3, **more: Any) -> Schedule:
    """A falling schedule as the product has it."""
    rates = [rate * (steps - step) / steps for step in range(steps)]
    return Schedule(**{"rates": rates, "weight_decay": 0.01, "max_norm": 1.0, **more})


def relative_errors(encoder: NativeEncoder, model: Any) -> dict[str, float]:
    """For each parameter, how far its gradient is from the model's, relative in L2.

    A gradient that is nothing but rounding (that of keys' biases is zero in exact arithmetic) is
    measured by a thousandth of the mean one.
    """
    theirs = {name: p.grad.double().numpy() for name, p in model.named_parameters()}
    norms = {name: float(np.linalg.norm(value)) for name, value in theirs.items()}
    least = 1e-3 * float(np.mean(list(norms.values())))
    return {
        name: float(np.linalg.norm(ours - theirs[name])) / max(norms[name], least)
        for name, ours in encoder.gradients().items()
    }
