"""Computes a model's layers with less work and the same result.

This does two things for layers that are built like BERT's: in training, a layer is one node of the
graph (:mod:`glueharness_finetune.cpu.fused_layer`), and the last layer is computed only for the
position that the classifier reads, which is the first. In BERT-tiny that saves nearly half of all
work.

Whether a layer is suitable is decided by its parts and then tried out, because two architectures
may use the same names for parts and combine them in different ways.

Shapes: b = rows, s = length, w = width, h = heads, d = w / h.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from glueharness_finetune.cpu import attention
from glueharness_finetune.cpu.fused_layer import FusedLayer, Plan, Weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedModel

_DTYPES = (torch.float32, torch.bfloat16)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where a kind of layer has its parts; dropouts: of attention weights, and before each norm."""

    linears: tuple[str, ...]
    norms: tuple[str, str]
    dropouts: tuple[str | None, ...]
    attention: str
    heads: str


_LAYOUTS = (
    _Layout(  # BERT, and what was built after it: RoBERTa, ELECTRA, CamemBERT, ERNIE, …
        linears=(
            "attention.self.query", "attention.self.key", "attention.self.value",
            "attention.output.dense", "intermediate.dense", "output.dense",
        ),
        norms=("attention.output.LayerNorm", "output.LayerNorm"),
        dropouts=("attention.self.dropout", "attention.output.dropout", "output.dropout"),
        attention="attention.self",
        heads="num_attention_heads",
    ),
    _Layout(  # DistilBERT, which drops nothing before its first norm
        linears=(
            "attention.q_lin", "attention.k_lin", "attention.v_lin",
            "attention.out_lin", "ffn.lin1", "ffn.lin2",
        ),
        norms=("sa_layer_norm", "output_layer_norm"),
        dropouts=("attention.dropout", None, "ffn.dropout"),
        attention="attention",
        heads="n_heads",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The parts of one layer, in the order of ``_Layout``."""

    linears: list[Any]
    norms: list[Any]
    dropouts: list[Any]
    heads: int

    def plan(self, dtype: torch.dtype, *, drop: bool, positions: int | None) -> Plan:
        """What the fused layer has to know."""
        return Plan(
            heads=self.heads,
            epsilons=tuple(norm.eps for norm in self.norms),
            dropouts=tuple(getattr(each, "p", 0.0) * drop for each in self.dropouts),
            dtype=dtype,
            positions=positions,
        )

    def fused(self, states: torch.Tensor, mask: torch.Tensor | None, plan: Plan) -> torch.Tensor:
        """The layer's output for states ``[b, s, w]`` in float32."""
        query, key, value, mixed, inner, outer = self.linears
        order = (query, key, value, mixed, self.norms[0], inner, outer, self.norms[1])
        weights = Weights(*(each for part in order for each in (part.weight, part.bias)))
        apply: Any = FusedLayer.apply
        found: torch.Tensor = apply(states, mask, plan, *weights)
        return found

    def first_only(self, states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """The layer's output for the first position alone, ``[b, 1, w]``.

        Args:
            states: The layer's input, ``[b, s, w]``.
            mask: ``[b, 1, s or 1, s]``: added to the scores, or true for what is seen.
        """
        query, key, value, mixed, inner, outer = self.linears
        drop_weights, drop_first, drop_second = self.dropouts
        # In one piece: other kernels take strided inputs, and round otherwise.
        first = states[:, :1].contiguous()
        seen = None if mask is None else mask[:, :, :1]
        q, k, v = (
            each.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [b, h, 1 or s, d]
            for each in (query(first), key(states), value(states))
        )
        found = functional.scaled_dot_product_attention(
            q, k, v,
            attn_mask=seen.to(q.dtype) if seen is not None and seen.is_floating_point() else seen,
            dropout_p=drop_weights.p if drop_weights.training else 0.0,
        )  # fmt: skip
        y = self.norms[0](drop_first(mixed(found.transpose(1, 2).flatten(2))) + first)
        z: torch.Tensor = self.norms[1](drop_second(outer(functional.gelu(inner(y)))) + y)
        return z


@dataclass(slots=True, kw_only=True)
class _Forward:
    """What takes the place of a layer's ``forward``.

    Attributes:
        layer: The layer.
        parts: Its parts.
        plain: Its own ``forward``.
        fuse: Whether it is one node in training.
        trim: Whether only its first position is read.
    """

    layer: nn.Module
    parts: _Parts
    plain: Callable[..., Any]
    fuse: bool
    trim: bool = False

    def __call__(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *others: Any,
        **named: Any,
    ) -> Any:
        """The layer's output; by its own ``forward`` where more is asked for than that."""
        more = any(each is not None and each is not False for each in (*others, *named.values()))
        if more or (attention_mask is not None and attention_mask.dim() != 4):
            return self.plain(hidden_states, attention_mask, *others, **named)
        dtype = self._fused_dtype(hidden_states)
        if dtype is not None:
            plan = self.parts.plan(dtype, drop=True, positions=1 if self.trim else None)
            with torch.autocast("cpu", enabled=False):
                return self.parts.fused(hidden_states, attention_mask, plan)
        if self.trim:
            return self.parts.first_only(hidden_states, attention_mask)
        return self.plain(hidden_states, attention_mask, *others, **named)

    def _fused_dtype(self, states: torch.Tensor) -> torch.dtype | None:
        """The type of the matrix products if the layer is to be one node."""
        if not (self.fuse and self.layer.training and torch.is_grad_enabled()):
            return None
        if states.shape[1] > attention.LONGEST or states.dtype is not torch.float32:
            return None
        half = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if half else torch.float32
        return dtype if dtype in _DTYPES else None


def install(model: PreTrainedModel, *, fuse: bool, trim: bool) -> tuple[bool, bool]:
    """Compute layers of a model on a processor as one node each, and the last only where it counts.

    The checkpoint of the model stays the same.

    Args:
        model: The model.
        fuse: Whether its layers are to be one node each in training, with the attention and the
            dropout of this package.
        trim: Whether the last layer is to be computed for the first position alone, if no other
            is read.

    Returns:
        Which of the two is done; neither for a model whose layers are not known.
    """
    tried: dict[tuple[type[nn.Module], int], bool] = {}
    found: list[_Forward] = []
    for layer in list(model.modules()):
        parts = _parts(layer)
        if parts is None:
            continue
        kind = (type(layer), parts.heads)
        if kind not in tried:
            tried[kind] = _gives_the_same(layer)
        if tried[kind]:
            found.append(_Forward(layer=layer, parts=parts, plain=layer.forward, fuse=fuse))
    if found and trim:
        found[-1].trim = _only_first_is_read(model, found[-1].layer)
    for each in found:
        if each.fuse or each.trim:
            each.layer.forward = each
    return fuse and bool(found), any(each.trim for each in found)


def _parts(layer: nn.Module) -> _Parts | None:
    """The parts of a layer that has those of a layout and no others."""
    for layout in _LAYOUTS:
        try:
            linears = [layer.get_submodule(path) for path in layout.linears]
            norms = [layer.get_submodule(path) for path in layout.norms]
            dropouts = [
                nn.Identity() if path is None else layer.get_submodule(path)
                for path in layout.dropouts
            ]
            heads = getattr(layer.get_submodule(layout.attention), layout.heads)
        except AttributeError:
            continue
        known = {*linears, *norms, *dropouts}
        if (
            all(type(each) is nn.Linear and each.bias is not None for each in linears)
            and all(type(each) is nn.LayerNorm and each.bias is not None for each in norms)
            and all(each in known or not _matters(each) for each in layer.modules())
        ):
            return _Parts(linears=linears, norms=norms, dropouts=dropouts, heads=heads)
    return None


def _matters(part: nn.Module) -> bool:
    """Whether a part has weights, drops something, or lets a position see only those before it."""
    weights = next(part.parameters(recurse=False), None) is not None
    causal = getattr(part, "is_causal", False) or getattr(part, "is_decoder", False)
    return weights or isinstance(part, nn.Dropout) or bool(causal)


def _gives_the_same(layer: nn.Module) -> bool:
    """Whether the layer computes what its parts let expect, tried in double precision."""
    layer = copy.deepcopy(layer).double().eval()
    parts = _parts(layer)
    assert parts is not None  # noqa: S101 - as the layer that it is a copy of
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(2, 5, parts.linears[0].in_features, generator=generator).double()
    mask = torch.zeros(2, 1, 1, 5, dtype=torch.float64)
    mask[1, ..., -2:] = torch.finfo(torch.float32).min / 2
    with torch.no_grad():
        try:
            theirs = layer(states, mask)
        except (RuntimeError, TypeError, ValueError):
            return False  # it computes in single precision whatever it is given, for instance
        ours = parts.fused(states, mask, parts.plan(torch.float64, drop=False, positions=None))
    return isinstance(theirs, torch.Tensor) and torch.allclose(theirs, ours, rtol=0, atol=1e-9)


def _only_first_is_read(model: PreTrainedModel, layer: nn.Module) -> bool:
    """Whether the model's scores follow from the first position of what the layer gives.

    Only of the models of transformers: what else is written may look for a token of its own.
    """
    if not type(model).__module__.startswith("transformers."):
        return False

    def spoil(_: nn.Module, __: Any, output: torch.Tensor) -> torch.Tensor:
        return torch.cat([output[:, :1], torch.full_like(output[:, 1:], torch.nan)], 1)

    ids = model.dummy_inputs["input_ids"]
    was_training = model.training
    hook = layer.register_forward_hook(spoil)
    try:
        model.train(mode=False)
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    finally:
        hook.remove()
        model.train(was_training)
    return not bool(logits.isnan().any())
