"""Makes a model faster on a processor without changing what it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness_finetune.cpu import attention, dropout, layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from glueharness_finetune.settings import FinetuneSettings

_DONE = ("short_attention", "fast_dropout", "fused_layers", "trim_last_layer")


def slow_down(model: PreTrainedModel) -> bool:
    """Undo what :func:`quicken` did to attention and dropout; returns whether there was something.

    For a model whose own code does not work with them: it may take its masks apart, for instance.
    """
    return attention.remove(model) | (dropout.remove(model) > 0)


def quicken(model: PreTrainedModel, settings: FinetuneSettings) -> dict[str, bool]:
    """Make a model on a processor quicker, unless the settings ask for plain math.

    Returns:
        By its name, whether each was done: not every architecture is known.
    """
    if settings.plain_math:
        return dict.fromkeys(
            ("short_attention", "fast_dropout", "fused_layers", "trim_last_layer"), False
        )
    attends = attention.install(model)
    drops = dropout.install(model) > 0
    # A fused layer has that attention and that dropout.
    fused, trimmed = layers.install(model, fuse=attends and drops, trim=True)
    return dict(zip(_DONE, (attends, drops, fused, trimmed), strict=True))
