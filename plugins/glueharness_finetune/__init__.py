"""Fine-tuning of any Hugging Face encoder; named encoders are records on top of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness import ModelSpec, hookimpl
from glueharness_finetune.pretrained import Checkpoint, FreshStart
from glueharness_finetune.settings import FinetuneSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness import Model, ModelContext

__all__ = ["Checkpoint", "FinetuneSettings", "FreshStart", "encoder"]


def encoder(
    name: str, checkpoint: Checkpoint, *, recipe: Mapping[str, Any], **facts: Any
) -> ModelSpec:
    """The record of a named encoder.

    Args:
        name: Name on the command line.
        checkpoint: Where its weights come from.
        recipe: Its own defaults for some of :class:`FinetuneSettings`.
        facts: Further fields of :class:`glueharness.ModelSpec`, such as ``description``.
    """

    def make(context: ModelContext) -> Model:
        from glueharness_finetune.model import FinetunedEncoder

        return FinetunedEncoder(context, checkpoint)

    return ModelSpec(
        name=name,
        factory=make,
        settings=FinetuneSettings,
        recipe=recipe,
        checkpoint=checkpoint.name,
        revision=checkpoint.revision,
        **facts,
    )


def _any_encoder(context: ModelContext) -> Model:
    from glueharness_finetune.model import FinetunedEncoder

    return FinetunedEncoder(context, Checkpoint(name=context.argument))


@hookimpl
def glueharness_models() -> list[ModelSpec]:
    """Any encoder that transformers can load for sequence classification."""
    return [
        ModelSpec(
            name="hf",
            description="Any encoder on the Hugging Face hub or in a folder, fine-tuned whole.",
            factory=_any_encoder,
            settings=FinetuneSettings,
            family=True,
        )
    ]
