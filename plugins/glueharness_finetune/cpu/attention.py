"""Attention for short inputs, in training, as plain matrix products.

``scaled_dot_product_attention`` is made for long inputs: it never stores the whole score matrix, so
its gradient computes it again, and with dropout it draws a number for each element. At the lengths
of GLUE the matrix is small, and two products with a softmax between them are faster. Without a
gradient PyTorch's own is faster, and is used.

Shapes: b = rows, h = heads, q = query positions, s = key positions, d = size of a head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from glueharness_finetune.cpu.dropout import drop

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedModel

NAME = "glueharness_short"
"""The name under which transformers finds this attention, and its mask."""
LONGEST = 256
"""Key positions beyond which the score matrix costs more than it saves."""
# What a score may be changed with besides the mask; sdpa's own function knows how.
_UNUSUAL = ("position_bias", "softcap", "s_aux", "cache")


def short_attention(  # noqa: PLR0913 - transformers sets the arguments
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention in the form that transformers calls.

    Args:
        module: The attention layer that asks.
        query: ``[b, h, q, d]``.
        key: ``[b, h, s, d]``.
        value: ``[b, h, s, v]``; v is d in all but a few models.
        attention_mask: Added to the scores, ``[b, 1, q or 1, s]``, from :func:`additive_mask`.
        dropout: Chance of a weight to be dropped.
        scaling: Factor of the scores; by default ``1 / sqrt(d)``.
        others: What only some models give.

    Returns:
        ``[b, q, h, v]``, and no weights.
    """
    if not _fits(module, query, key, attention_mask, others):
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    b, h, q, d = query.shape
    scale = d**-0.5 if scaling is None else scaling
    query, key, value = (part.flatten(0, 1) for part in (query, key, value))  # [b·h, …, d]
    if attention_mask is None:
        scores = torch.bmm(query * scale, key.transpose(1, 2))  # [b·h, q, s]
    else:
        mask = attention_mask.to(query.dtype).expand(b, h, -1, -1).flatten(0, 1)
        scores = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=scale)
    # Under autocast the products are in half precision, and the softmax is in single.
    weights = torch.softmax(scores, -1)
    if dropout:
        weights = drop(weights, dropout)
    found = torch.bmm(weights.to(value.dtype), value)  # [b·h, q, v]
    return found.view(b, h, q, -1).transpose(1, 2).contiguous(), None


def _fits(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    mask: torch.Tensor | None,
    others: dict[str, Any],
) -> bool:
    """Whether plain products compute, and compute quickly, what is asked for."""
    if not torch.is_grad_enabled() or key.device.type != "cpu":
        return False
    if any(others.get(name) is not None for name in _UNUSUAL):
        return False
    causal = others.get("is_causal")
    if mask is None and (getattr(module, "is_causal", False) if causal is None else causal):
        return False
    if mask is not None and mask.dtype is torch.bool:
        return False
    return key.shape[-2] <= LONGEST and key.shape[1] == query.shape[1]


def additive_mask(
    *,
    q_length: int,
    mask_function: Callable[..., Any],
    dtype: torch.dtype = torch.float32,
    use_vmap: bool = False,
    **others: Any,
) -> torch.Tensor | None:
    """The mask that transformers makes once for all layers: 0 to attend, very low not to.

    Without a mask function of its own, a registered attention is silently given no mask at all.

    Args:
        q_length: Query positions.
        mask_function: Says which position may attend to which.
        dtype: Type of the mask.
        use_vmap: As transformers means it.
        others: What ``sdpa_mask`` takes besides.

    Returns:
        ``[b, 1, q or 1, s]``; None if every position attends to every other.
    """
    from transformers.masking_utils import bidirectional_mask_function, sdpa_mask

    # Where only padding is masked all queries have the same mask: one row of it does for all.
    same = mask_function is bidirectional_mask_function and not use_vmap
    others["allow_is_causal_skip"] = False
    attend = sdpa_mask(
        q_length=1 if same else q_length,
        mask_function=mask_function,
        use_vmap=use_vmap,
        **others,
    )
    if attend is None:
        return None
    # Half of the lowest number: adding a score cannot make it infinite.
    lowest = torch.finfo(dtype).min / 2
    return torch.zeros((), dtype=dtype, device=attend.device).where(attend, lowest)


def install(model: PreTrainedModel) -> bool:
    """Let a model use this attention.

    Returns:
        Whether it does; models that do not ask transformers' table for their attention keep
        their own, and so do those that were set to something else than ``sdpa``.
    """
    from transformers import AttentionInterface, AttentionMaskInterface

    if model.config._attn_implementation != "sdpa" or not _asks_table(model):  # noqa: SLF001
        return False
    AttentionInterface.register(NAME, short_attention)
    AttentionMaskInterface.register(NAME, additive_mask)
    model.set_attn_implementation(NAME)
    return True


def remove(model: PreTrainedModel) -> bool:
    """Undo :func:`install`; returns whether there was something to undo."""
    if model.config._attn_implementation != NAME:  # noqa: SLF001 - it has no public reader
        return False
    model.set_attn_implementation("sdpa")
    return True


def _asks_table(model: PreTrainedModel) -> bool:
    parts: list[Any] = [part for part in model.modules() if hasattr(type(part), "_supports_sdpa")]
    return all(part._can_set_attn_implementation() for part in parts)  # noqa: SLF001
