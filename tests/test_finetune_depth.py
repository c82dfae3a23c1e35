"""Which parameters learn with how large a share of the learning rate."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from glueharness_finetune.training.layer_rates import rate_factors

SMALL: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 16,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
DISTILBERT = {"vocab_size": 20, "dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 8}


def make(kind: str, **sizes: Any) -> nn.Module:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.for_model(kind, **sizes)
    from_config: Any = AutoModelForSequenceClassification.from_config
    model: nn.Module = from_config(config)
    return model


@pytest.mark.parametrize(
    ("kind", "sizes", "expected"),
    [
        ("bert", SMALL, {
            "bert.embeddings.word_embeddings.weight": 0.125,
            "bert.embeddings.LayerNorm.bias": 0.125,
            "bert.encoder.layer.0.attention.self.query.weight": 0.25,
            "bert.encoder.layer.1.output.dense.bias": 0.5,
            "bert.pooler.dense.weight": 1.0,
            "classifier.weight": 1.0,
        }),
        ("distilbert", DISTILBERT, {
            "distilbert.embeddings.position_embeddings.weight": 0.125,
            "distilbert.transformer.layer.0.ffn.lin1.weight": 0.25,
            "distilbert.transformer.layer.1.ffn.lin1.weight": 0.5,
            "pre_classifier.weight": 1.0,
            "classifier.bias": 1.0,
        }),
        # Its embeddings are narrower, and a projection stands between them and the layers.
        ("electra", {**SMALL, "embedding_size": 4}, {
            "electra.embeddings.word_embeddings.weight": 0.125,
            "electra.embeddings_project.weight": 0.125,
            "electra.encoder.layer.1.output.dense.weight": 0.5,
            "classifier.out_proj.weight": 1.0,
        }),
        # Its distances between positions are embeddings that come after the layers.
        ("deberta-v2", {
            **SMALL, "relative_attention": True, "position_buckets": 4, "norm_rel_ebd": "none",
            "pos_att_type": ["p2c", "c2p"],
        }, {
            "deberta.embeddings.word_embeddings.weight": 0.125,
            "deberta.encoder.rel_embeddings.weight": 0.125,
            "deberta.encoder.layer.0.output.dense.weight": 0.25,
            "pooler.dense.weight": 1.0,
        }),
        # All of its layers are one and the same.
        ("albert", {**SMALL, "embedding_size": 4}, {
            "albert.embeddings.word_embeddings.weight": 0.25,
            "albert.encoder.embedding_hidden_mapping_in.weight": 0.25,
            "albert.pooler.weight": 1.0,
            "classifier.weight": 1.0,
        }),
    ],
)  # fmt: skip
def test_the_lower_the_less(kind: str, sizes: dict[str, Any], expected: dict[str, float]) -> None:
    model = make(kind, **sizes)
    factors = rate_factors(model, 0.5)
    assert {name: factors[name] for name in expected} == expected
    assert set(factors) == {name for name, _ in model.named_parameters()}
    assert set(factors.values()) <= {0.125, 0.25, 0.5, 1.0}


def test_one_rate_for_all_of_what_is_no_stack_of_layers() -> None:
    model = nn.Sequential(nn.Embedding(4, 2), nn.Linear(2, 2))
    assert rate_factors(model, 0.5) == {}
    assert rate_factors(make("bert", **SMALL), 1.0) == {}
