"""The model ``bert-tiny-mean``: BERT-tiny's encoder with a head of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import ModelSpec, hookimpl
from glueharness_finetune import Checkpoint, FinetuneSettings, FreshStart

if TYPE_CHECKING:
    from glueharness import Model, ModelContext

requires_api = "1.0"
MODEL_TYPE = "bert-mean-head"
CHECKPOINT = Checkpoint(
    name="google/bert_uncased_L-2_H-128_A-2",
    revision="30b0a37ccaaa32f332884b96992754e246e48c5f",
    # The encoder's weights go into this architecture, whose head is fresh.
    model_type=MODEL_TYPE,
    fresh=FreshStart(
        model_type=MODEL_TYPE,
        architecture={
            "num_hidden_layers": 2,
            "hidden_size": 128,
            "num_attention_heads": 2,
            "intermediate_size": 512,
            "max_position_embeddings": 512,
        },
        vocabulary=4_000,
        recipe={"epochs": 12, "batch_size": 32, "learning_rate": 5e-4},
    ),
)


def _make(context: ModelContext) -> Model:
    # Importing it makes the architecture known to transformers, for loading as well.
    import glueharness_mean_head.architecture  # noqa: F401
    from glueharness_finetune.model import FinetunedEncoder

    return FinetunedEncoder(context, CHECKPOINT)


@hookimpl
def glueharness_models() -> list[ModelSpec]:
    """One model."""
    return [
        ModelSpec(
            name="bert-tiny-mean",
            description="BERT-tiny with a two-layer head on the mean of all tokens.",
            factory=_make,
            settings=FinetuneSettings,
            recipe={"epochs": 4, "batch_size": 32, "learning_rate": 3e-4},
            checkpoint=CHECKPOINT.name,
            revision=CHECKPOINT.revision,
        )
    ]
