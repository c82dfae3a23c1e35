"""Makes a model faster on a processor without changing what it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness_finetune.cpu import attention, dropout, layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from glueharness_finetune.settings import FinetuneSettings


def slow_down(model: PreTrainedModel) -> bool:
    """Undo what :func:`quicken` did to attention and dropout; returns whether there was something.

    For a model whose own code does not work with them: it may take its masks apart, for instance.
    """
    return attention.remove(model) | (dropout.remove(model) > 0)


def quicken(model: PreTrainedModel, settings: FinetuneSettings) -> dict[str, bool]:
    """Do with a model on a processor what its settings ask for.

    Returns:
        By the setting's name, whether it was done: not every architecture is known.
    """
    attends = settings.short_attention and attention.install(model)
    drops = settings.fast_dropout and dropout.install(model) > 0
    fused, trimmed = layers.install(
        model,
        # A fused layer has that attention and that dropout.
        fuse=settings.fused_layers and attends and drops,
        trim=settings.trim_last_layer,
    )
    return {
        "short_attention": attends,
        "fast_dropout": drops,
        "fused_layers": fused,
        "trim_last_layer": trimmed,
    }
