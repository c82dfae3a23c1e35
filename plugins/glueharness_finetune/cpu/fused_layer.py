"""A whole encoder layer as one node of PyTorch's graph, on a processor, in training.

A layer of BERT has about sixty operations, each a node of the graph with a counterpart in the
backward pass; in half precision every weight and input is converted as well. In a small encoder
that takes longer than the arithmetic. Here the layer's forward and backward passes are written out
with a third of the operations: key and value are one matrix product, each conversion is done once,
and nothing is recorded for differentiation.

Shapes: b = rows, s = length, q = positions that are wanted of it, n = b·s, m = b·q, w = width,
h = heads, d = w / h, f = inner width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable

from glueharness_finetune.cpu.dropout import keep_mask

if TYPE_CHECKING:
    from torch import Tensor

_ops = torch.ops.aten


class Weights(NamedTuple):
    """A layer's weights, each as ``nn.Linear`` and ``nn.LayerNorm`` hold them."""

    query: Tensor
    query_bias: Tensor
    key: Tensor
    key_bias: Tensor
    value: Tensor
    value_bias: Tensor
    mixed: Tensor
    mixed_bias: Tensor
    first_norm: Tensor
    first_norm_bias: Tensor
    inner: Tensor
    inner_bias: Tensor
    outer: Tensor
    outer_bias: Tensor
    second_norm: Tensor
    second_norm_bias: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a layer has besides its weights.

    Attributes:
        heads: Attention heads.
        epsilons: What the two normalisations add to the variance.
        dropouts: Chance of an attention weight to be dropped, and of an element before each
            normalisation.
        dtype: Type of the matrix products.
        positions: Leading positions whose output is wanted; None for all.
    """

    heads: int
    epsilons: tuple[float, ...]
    dropouts: tuple[float, ...]
    dtype: torch.dtype
    positions: int | None = None


class FusedLayer(torch.autograd.Function):
    """The layer: attention, and the two-layer network, each added to its input and normalised."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, mask: Tensor | None, plan: Plan, *weights: Tensor
    ) -> Tensor:
        """Compute ``[b, q, w]`` from states ``[b, s, w]`` in float32.

        Args:
            ctx: What the backward pass needs.
            states: The layer's input.
            mask: Added to the attention scores, ``[b, 1, s or 1, s]``; None for nothing.
            plan: What the layer has besides its weights.
            weights: :class:`Weights`.
        """
        w, half, b, width = Weights(*weights), plan.dtype, len(states), states.shape[2]
        every = states.to(half).flatten(0, 1)  # [n, w]
        wanted = states[:, : plan.positions].reshape(-1, width)  # [m, w]
        wanted_half = every if plan.positions is None else wanted.to(half)
        query_weight, mixed, inner, outer = (
            each.to(half) for each in (w.query, w.mixed, w.inner, w.outer)
        )
        pair = torch.cat([w.key, w.value]).to(half)  # [2w, w]
        pair_bias = torch.cat([w.key_bias, w.value_bias]).to(half)

        query = torch.addmm(w.query_bias.to(half), wanted_half, query_weight.t())
        query = _to_heads(query, 1, b, plan.heads)[0]  # [b·h, q, d]
        key_value = _to_heads(torch.addmm(pair_bias, every, pair.t()), 2, b, plan.heads)
        attention = _attention(query, key_value[0], mask, b)  # [b·h, q, s]
        kept_attention = _keep(attention, plan.dropouts[0])
        used = attention if kept_attention is None else attention * kept_attention
        found = _from_heads(torch.bmm(used, key_value[1])[None], b)  # [m, w]
        first = torch.addmm(w.mixed_bias.to(half), found, mixed.t())
        kept_first = _keep(first, plan.dropouts[1])
        first_sum = wanted + (first if kept_first is None else first.mul_(kept_first))
        y, *first_moments = torch.native_layer_norm(
            first_sum, (width,), w.first_norm, w.first_norm_bias, plan.epsilons[0]
        )

        y_half = y.to(half)
        before = torch.addmm(w.inner_bias.to(half), y_half, inner.t())  # [m, f]
        after = torch.nn.functional.gelu(before)
        second = torch.addmm(w.outer_bias.to(half), after, outer.t())  # [m, w]
        kept_second = _keep(second, plan.dropouts[2])
        second_sum = y + (second if kept_second is None else second.mul_(kept_second))
        z, *second_moments = torch.native_layer_norm(
            second_sum, (width,), w.second_norm, w.second_norm_bias, plan.epsilons[1]
        )
        ctx.plan, ctx.rows = plan, b
        ctx.save_for_backward(
            every, wanted_half, query_weight, pair, query, key_value, attention, kept_attention,
            used, found, mixed, kept_first, first_sum, *first_moments, w.first_norm,
            w.first_norm_bias, y_half, inner, before, after, outer, kept_second, second_sum,
            *second_moments, w.second_norm, w.second_norm_bias,
        )  # fmt: skip
        return z.view(b, -1, width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """The gradients of the states and of each of :class:`Weights`, in float32."""
        (
            every, wanted, query_weight, pair, query, key_value, attention, kept_attention,
            used, found, mixed, kept_first, first_sum, first_mean, first_rstd, first_norm,
            first_norm_bias, y, inner, before, after, outer, kept_second, second_sum,
            second_mean, second_rstd, second_norm, second_norm_bias,
        ) = ctx.saved_tensors  # fmt: skip
        b, heads, width = ctx.rows, ctx.plan.heads, every.shape[1]
        half, full = every.dtype, first_sum.dtype

        of_y, of_second_norm, of_second_norm_bias = _ops.native_layer_norm_backward(
            gradient.reshape(-1, width), second_sum, (width,), second_mean, second_rstd,
            second_norm, second_norm_bias, [True, True, True],
        )  # fmt: skip
        of_second = _undropped(of_y.to(half), kept_second)  # [m, w]
        of_outer = of_second.t() @ after
        of_before = _ops.gelu_backward(of_second @ outer, before)  # [m, f]
        of_inner = of_before.t() @ y
        of_y = of_y + of_before @ inner

        of_wanted, of_first_norm, of_first_norm_bias = _ops.native_layer_norm_backward(
            of_y, first_sum, (width,), first_mean, first_rstd, first_norm, first_norm_bias,
            [True, True, True],
        )  # fmt: skip
        of_first = _undropped(of_wanted.to(half), kept_first)
        of_mixed = of_first.t() @ found
        of_found = _to_heads(of_first @ mixed, 1, b, heads)[0]  # [b·h, q, d]
        of_key_value = torch.empty_like(key_value)
        torch.bmm(used.transpose(1, 2), of_found, out=of_key_value[1])
        of_used = torch.bmm(of_found, key_value[1].transpose(1, 2))
        of_scores = torch._softmax_backward_data(  # noqa: SLF001 - nothing else has it
            _undropped(of_used, kept_attention), attention, -1, half
        )
        of_scores = of_scores.mul_(query.shape[2] ** -0.5)
        torch.bmm(of_scores.transpose(1, 2), query, out=of_key_value[0])
        of_query = _from_heads(torch.bmm(of_scores, key_value[0])[None], b)  # [m, w]
        of_pair_out = _from_heads(of_key_value, b)  # [n, 2w]
        of_wanted = of_wanted + of_query @ query_weight
        of_states = (of_pair_out @ pair).to(full).view(b, -1, width)
        of_states[:, : ctx.plan.positions] += of_wanted.view(b, -1, width)

        of_key, of_value = (of_pair_out.t() @ every).to(full).chunk(2)
        of_key_bias, of_value_bias = of_pair_out.sum(0).to(full).chunk(2)
        return (
            of_states, None, None,
            (of_query.t() @ wanted).to(full), of_query.sum(0).to(full),
            of_key, of_key_bias, of_value, of_value_bias,
            of_mixed.to(full), of_first.sum(0).to(full), of_first_norm, of_first_norm_bias,
            of_inner.to(full), of_before.sum(0).to(full),
            of_outer.to(full), of_second.sum(0).to(full), of_second_norm, of_second_norm_bias,
        )  # fmt: skip


def _attention(query: Tensor, key: Tensor, mask: Tensor | None, b: int) -> Tensor:
    """Attention weights ``[b·h, q, s]``; the softmax not in half precision, which is slower."""
    count, q, d = query.shape
    if mask is None:
        scores = torch.bmm(query, key.transpose(1, 2)).mul_(d**-0.5)
    else:
        masks = mask[:, :, :q].to(query.dtype).expand(b, count // b, -1, -1).flatten(0, 1)
        scores = torch.baddbmm(masks, query, key.transpose(1, 2), alpha=d**-0.5)
    full = torch.promote_types(scores.dtype, torch.float32)
    return torch.softmax(scores.to(full), -1).to(scores.dtype)


def _to_heads(values: Tensor, parts: int, b: int, heads: int) -> Tensor:
    """``[b·l, parts·w]`` as ``[parts, b·h, l, d]``."""
    tokens, wide = values.shape
    split = values.view(b, tokens // b, parts, heads, wide // parts // heads)
    return split.permute(2, 0, 3, 1, 4).reshape(parts, b * heads, tokens // b, -1)


def _from_heads(values: Tensor, b: int) -> Tensor:
    """``[parts, b·h, l, d]`` as ``[b·l, parts·w]``."""
    parts, count, length, d = values.shape
    split = values.view(parts, b, count // b, length, d)
    return split.permute(1, 3, 0, 2, 4).reshape(b * length, parts * (count // b) * d)


def _keep(values: Tensor, rate: float) -> Tensor | None:
    return keep_mask(values.shape, rate, values.dtype) if rate else None


def _undropped(gradient: Tensor, kept: Tensor | None) -> Tensor:
    """The gradient before dropout; the gradient after it stays as it is."""
    return gradient if kept is None else gradient * kept
