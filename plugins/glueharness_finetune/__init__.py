"""Fine-tuning of any Hugging Face encoder; plugins describe named encoders for it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from glueharness import DiagnosticSpec, ModelSpec, PresetSpec, hookimpl
from glueharness_finetune.cpu.threads import wait_politely
from glueharness_finetune.diagnostics import engine_facts, weights_diagnostic
from glueharness_finetune.pretrained.find import Checkpoint, FreshStart, checkpoint_named
from glueharness_finetune.settings import FinetuneSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glueharness import Model, ModelContext

__all__ = ["Checkpoint", "FinetuneSettings", "FreshStart", "encoder", "weights_diagnostic"]


@contextlib.contextmanager
def _together() -> Iterator[bool]:
    from glueharness_finetune.parallel.launched import together

    with together() as first:
        yield first


def encoder(
    name: str, checkpoint: Checkpoint, *, recipe: Mapping[str, Any], **facts: Any
) -> ModelSpec:
    """The record of a named encoder.

    Args:
        name: Name on the command line.
        checkpoint: Where its weights come from.
        recipe: Defaults of its own for some of :class:`FinetuneSettings`.
        facts: Further fields of :class:`glueharness.ModelSpec`, such as ``description``.
    """

    def make(context: ModelContext) -> Model:
        wait_politely()
        from glueharness_finetune.encoder_model import EncoderModel

        return EncoderModel(context, checkpoint)

    return ModelSpec(
        name=name,
        factory=make,
        settings=FinetuneSettings,
        recipe=recipe,
        multiple_choice=True,
        checkpoint=checkpoint.name,
        revision=checkpoint.revision,
        score_kind="logits",
        together=_together,
        **facts,
    )


def _any_encoder(context: ModelContext) -> Model:
    wait_politely()
    from glueharness_finetune.encoder_model import EncoderModel

    return EncoderModel(context, checkpoint_named(context.argument))


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
            score_kind="logits",
            multiple_choice=True,
            together=_together,
            # From RoBERTa's lowest rate (Liu et al. 2019) to ELECTRA-small's (Clark et al. 2020).
            search={"learning_rate": "1e-5..3e-4", "batch_size": "16,32"},
        )
    ]


@hookimpl
def glueharness_diagnostics() -> list[DiagnosticSpec]:
    """Devices, number formats, hub and caches."""
    return [DiagnosticSpec(name="fine-tuning", factory=engine_facts)]


@hookimpl
def glueharness_presets() -> list[PresetSpec]:
    """The settings of the usual tutorial, and the recipes of papers."""
    from glueharness_finetune.presets import PRESETS

    return list(PRESETS)
