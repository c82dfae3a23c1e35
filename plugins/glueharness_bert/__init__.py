"""The 24 BERT miniatures of Turc et al. 2019, each a record for the engine.

"Well-Read Students Learn Better: On the Importance of Pre-training Compact Models",
https://arxiv.org/abs/1908.08962; weights: https://github.com/google-research/bert
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness import PresetSpec, hookimpl
from glueharness_finetune import Checkpoint, FreshStart, encoder, weights_diagnostic

if TYPE_CHECKING:
    from glueharness import DiagnosticSpec, ModelSpec

LAYERS = (2, 4, 6, 8, 10, 12)
HIDDEN_SIZES = (128, 256, 512, 768)
NAMED = {(2, 128): "tiny", (4, 256): "mini", (4, 512): "small", (8, 512): "medium"}
REVISIONS = {
    (2, 128): "30b0a37ccaaa32f332884b96992754e246e48c5f",
    (4, 256): "387825ce42dbb39b87911cdf8e383ee3b25184f8",
    (6, 256): "67ada51801f40684c01ca3f20c97a35fa7a67d36",
    (8, 256): "fff21c203abcc9365418f2e46bb6801a2b98e3da",
}
"""Pinned revisions on the hub, as far as they were verified; others follow the main branch."""
WORD_PIECES, POSITIONS = 30_522, 512

# Each size's rate from the grid {3e-4, 1e-4, 5e-5, 3e-5} that its authors searched, 4 epochs.
LEARNING_RATES = {128: 3e-4, 256: 3e-4, 512: 1e-4, 768: 5e-5}
# Fresh weights stand still for a while before they learn what takes two words to tell, and some
# seeds longer than others: after 4 epochs of 2,000 rows 2 of 12 had not begun to learn agreement of
# subject and verb, whichever engine computed them; after 6 all had.
FRESH_RECIPE = {"epochs": 6, "batch_size": 16, "learning_rate": 5e-4, "dropout": 0.0}
FRESH_VOCABULARY = 4_000


def architecture(layers: int, hidden: int) -> dict[str, Any]:
    """Sizes of a miniature, by the names of ``transformers.BertConfig``."""
    return {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": hidden // 64,
        "intermediate_size": 4 * hidden,
        "max_position_embeddings": POSITIONS,
    }


def parameter_count(layers: int, hidden: int) -> int:
    """Parameters of the pretrained encoder, its pooler included, the head not."""
    embeddings = (WORD_PIECES + POSITIONS + 2 + 2) * hidden
    layer = 12 * hidden**2 + 13 * hidden
    return embeddings + layers * layer + hidden**2 + hidden


def checkpoint(layers: int, hidden: int) -> Checkpoint:
    """Where a miniature's weights come from, and how to start without them."""
    return Checkpoint(
        name=f"google/bert_uncased_L-{layers}_H-{hidden}_A-{hidden // 64}",
        revision=REVISIONS.get((layers, hidden), ""),
        fresh=FreshStart(
            model_type="bert",
            # BERT's own 0.02 suits width 768; a narrow encoder's attention stays flat with it.
            architecture={**architecture(layers, hidden), "initializer_range": hidden**-0.5},
            vocabulary=FRESH_VOCABULARY,
            recipe=FRESH_RECIPE,
        ),
    )


def _record(layers: int, hidden: int) -> ModelSpec:
    short = NAMED.get((layers, hidden), f"l{layers}-h{hidden}")
    return encoder(
        f"bert-{short}",
        checkpoint(layers, hidden),
        recipe={"epochs": 4, "batch_size": 32, "learning_rate": LEARNING_RATES[hidden]},
        description=f"BERT with {layers} layers of width {hidden}, uncased English.",
        parameters=parameter_count(layers, hidden),
        # The span of their authors' grid, and up to twice the rate that serves fresh weights.
        search={"learning_rate": "3e-5..1e-3", "batch_size": "8,16,32,64"},
        citation="Turc et al. 2019, https://arxiv.org/abs/1908.08962",
    )


@hookimpl
def glueharness_models() -> list[ModelSpec]:
    """The miniatures, beginning with the four that have names of their own."""
    sizes = [(layers, hidden) for layers in LAYERS for hidden in HIDDEN_SIZES]
    ordered = [*NAMED, *(size for size in sizes if size not in NAMED)]
    return [_record(layers, hidden) for layers, hidden in ordered]


@hookimpl
def glueharness_diagnostics() -> list[DiagnosticSpec]:
    """Where the named miniatures' weights would come from."""
    return [weights_diagnostic("weights", [checkpoint(*size) for size in NAMED])]


@hookimpl
def glueharness_presets() -> list[PresetSpec]:
    """The hyperparameter search of the miniatures' authors."""
    return [
        PresetSpec(
            name="turc2019",
            description="The grid of the miniatures' authors; keep the best of 20 on dev.",
            settings={"epochs": 4},
            grid={
                "batch_size": (8, 16, 32, 64, 128),
                "learning_rate": (3e-4, 1e-4, 5e-5, 3e-5),
            },
            citation="google-research/bert README; Turc et al. 2019, https://arxiv.org/abs/1908.08962",
        )
    ]
