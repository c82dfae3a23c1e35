"""Attention as plain matrix products computes what sdpa computes, for several architectures."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import transformers

from glueharness_finetune.cpu import attention, dropout

SMALL = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
}
DISTIL = {
    "vocab_size": 50,
    "dim": 32,
    "n_layers": 2,
    "n_heads": 2,
    "hidden_dim": 40,
    "max_position_embeddings": 80,
}
MODERN = {
    **SMALL,
    "local_attention": 8,
    "global_attn_every_n_layers": 2,
    "cls_token_id": 1,
    "sep_token_id": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
WITH_TABLE = {
    "bert": SMALL,
    "roberta": SMALL,
    "distilbert": DISTIL,
    "electra": {**SMALL, "embedding_size": 16},
    "modernbert": MODERN,
}
WITHOUT_TABLE = {"deberta-v2": {**SMALL, "position_biased_input": False}, "mpnet": SMALL}


def model_of(kind: str, sizes: dict[str, Any], attn: str = "sdpa") -> Any:
    """A small classifier with fresh weights, the same each time, in evaluation."""
    torch.manual_seed(4)
    config = transformers.AutoConfig.for_model(kind, **sizes)
    config._attn_implementation = attn
    make: Any = transformers.AutoModelForSequenceClassification.from_config
    return make(config).eval()


def inputs(rows: int = 3, width: int = 20) -> dict[str, torch.Tensor]:
    torch.manual_seed(8)
    ids = torch.randint(3, 50, (rows, width))
    mask = torch.ones_like(ids)
    for row in range(1, rows):
        mask[row, width - 5 * row :] = 0
    ids[mask == 0] = 0
    return {"input_ids": ids, "attention_mask": mask}


def gradients(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, list[Any]]:
    logits = model(**batch).logits
    torch.autograd.backward(logits.square().sum())
    found = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    return logits.detach(), found


@pytest.mark.parametrize("kind", WITH_TABLE)
@pytest.mark.parametrize("other", ["sdpa", "eager"])
def test_equals_others(kind: str, other: str) -> None:
    theirs = model_of(kind, WITH_TABLE[kind], other)
    ours = model_of(kind, WITH_TABLE[kind])
    assert attention.install(ours)
    for batch in (inputs(), inputs(rows=1)):  # with padding, and without
        expected, expected_gradients = gradients(theirs, batch)
        found, found_gradients = gradients(ours, batch)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(found_gradients, expected_gradients, rtol=1e-5, atol=1e-6)
        with torch.inference_mode():
            torch.testing.assert_close(ours(**batch).logits, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", WITH_TABLE)
def test_padding_changes_nothing(kind: str) -> None:
    ours = model_of(kind, WITH_TABLE[kind])
    assert attention.install(ours)
    whole = inputs()
    for row in range(3):
        length = int(whole["attention_mask"][row].sum())
        alone = {name: value[row : row + 1, :length] for name, value in whole.items()}
        for together in (ours(**whole).logits[row], ours(**inputs(rows=3)).logits[row]):
            torch.testing.assert_close(together, ours(**alone).logits[0], rtol=1e-5, atol=1e-6)
    noisy = copy.deepcopy(whole)
    noisy["input_ids"][whole["attention_mask"] == 0] = 7
    torch.testing.assert_close(ours(**noisy).logits, ours(**whole).logits, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", WITHOUT_TABLE)
def test_other_models_stay_as_they_are(kind: str) -> None:
    config = transformers.AutoConfig.for_model(kind, **WITHOUT_TABLE[kind])
    torch.manual_seed(4)
    make: Any = transformers.AutoModelForSequenceClassification.from_config
    model = make(config).eval()
    expected, _ = gradients(model, inputs())
    before = model.config._attn_implementation
    assert not attention.install(model)
    assert model.config._attn_implementation == before
    assert torch.equal(gradients(model, inputs())[0], expected)


def test_long_inputs_go_through_sdpa(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = model_of("bert", SMALL), model_of("bert", SMALL)
    assert attention.install(ours)
    monkeypatch.setattr(attention, "LONGEST", 8)
    found, found_gradients = gradients(ours, inputs())
    expected, expected_gradients = gradients(theirs, inputs())
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found_gradients, expected_gradients, rtol=1e-5, atol=1e-6)


def test_a_saved_model_knows_nothing_of_it(tmp_path: Any) -> None:
    model = model_of("bert", SMALL)
    assert attention.install(model)
    model.save_pretrained(tmp_path)
    assert attention.NAME not in (tmp_path / "config.json").read_text()
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert loaded.config._attn_implementation == "sdpa"
    assert attention.remove(model)
    assert model.config._attn_implementation == "sdpa"
    assert not attention.remove(model)


def test_dropout_of_weights_has_the_right_mean() -> None:
    torch.manual_seed(2)
    query, key, value = torch.randn(3, 64, 2, 12, 8, requires_grad=True)
    layer = torch.nn.Module()
    plain, _ = attention.short_attention(layer, query, key, value, None)
    mean = torch.stack(
        [attention.short_attention(layer, query, key, value, None, dropout=0.2)[0].detach()
         for _ in range(200)]
    ).mean(0)  # fmt: skip
    assert float((mean - plain.detach()).abs().mean()) < 0.02
    once, _ = attention.short_attention(layer, query, key, value, None, dropout=0.2)
    assert float((once - plain).detach().abs().mean()) > 0.05


def test_bf16_error_is_that_of_eager() -> None:
    exact = model_of("bert", SMALL)
    eager, ours = model_of("bert", SMALL, "eager"), model_of("bert", SMALL)
    assert attention.install(ours)
    dropout.install(ours)
    expected = exact(**inputs()).logits
    with torch.autocast("cpu", torch.bfloat16):
        errors = [float((m(**inputs()).logits - expected).abs().max()) for m in (eager, ours)]
    assert 0 < errors[1] < 2 * errors[0] + 1e-3
