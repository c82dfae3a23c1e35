"""Loss, logits and the gradient of every parameter, against transformers in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.native_tools import (
    COMPILED,
    SHAPES,
    material,
    native_of,
    needs_library,
    relative_errors,
    schedule,
    torch_loss,
    torch_model,
)

pytestmark = needs_library

BATCHES = {
    "usual": (16, 5, 60),
    "one row of one token": (1, 1, 1),
    "odd rows, very short": (7, 1, 3),
    "longer than a block": (5, 200, 300),
}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_transformers(shape: str, batch: str) -> None:
    model = torch_model(shape)
    encoder = native_of(model)
    made = material(model, *BATCHES[batch])
    encoder.train_with(schedule())
    loss, norm = encoder.gradient(made.rows, made.all, made.targets, key=1)
    model.double()
    expected, logits = torch_loss(model, made, made.all)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    total = np.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
    assert norm == pytest.approx(total, rel=1e-5)
    assert max(relative_errors(encoder, model).values()) < 1e-5
    ours = encoder.logits(made.rows, made.all)
    assert np.abs(ours - logits.detach().numpy()).max() < 2e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_in_bf16_are_near(shape: str) -> None:
    if COMPILED[0] != "avx512_bf16":
        pytest.skip("this processor has no bfloat16")
    model = torch_model(shape)
    encoder = native_of(model, bf16=True)
    made = material(model, 15, 3, 50)
    encoder.train_with(schedule())
    loss, _ = encoder.gradient(made.rows, made.all, made.targets, key=1)
    model.double()
    expected, _ = torch_loss(model, made, made.all)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-3)
    errors = relative_errors(encoder, model)
    assert max(errors.values()) < 0.05
    assert np.median(list(errors.values())) < 0.01


def test_a_large_step_in_chunks_has_the_gradient_of_all_rows() -> None:
    """A step that is too large to be kept at once: it is done in chunks of at most 1 GiB."""
    model = torch_model("bert")
    encoder = native_of(model)
    made = material(model, 800, 100, 128)
    encoder.train_with(schedule())
    loss, norm = encoder.gradient(made.rows, made.all, made.targets, key=1)
    whole = {name: value.copy() for name, value in encoder.gradients().items()}
    total: dict[str, Any] = {name: np.zeros(value.shape) for name, value in whole.items()}
    losses = 0.0
    for part in np.split(made.all, 50):
        part_loss, _ = encoder.gradient(made.rows, part, made.targets[part], key=1)
        losses += part_loss / 50
        for name, value in encoder.gradients().items():
            total[name] += value.astype(np.float64) / 50
    assert loss == pytest.approx(losses, rel=1e-6)
    norms = [float((value**2).sum()) for value in total.values()]
    assert norm == pytest.approx(np.sqrt(sum(norms)), rel=1e-5)
    for name, value in total.items():
        scale = max(float(np.linalg.norm(value)), 1e-3 * norm)
        assert np.linalg.norm(whole[name] - value) / scale < 2e-5, name


@pytest.mark.parametrize("shape", ["bert", "roberta"])
def test_padding_words_inside_of_a_text_do_not_learn(shape: str) -> None:
    model = torch_model(shape)
    encoder = native_of(model)
    made = material(model, 6, 8, 20)
    made.rows.ids[5::7] = model.config.pad_token_id
    encoder.train_with(schedule())
    loss, _ = encoder.gradient(made.rows, made.all, made.targets, key=1)
    model.double()
    # transformers counts RoBERTa's positions past padding words, and so must this.
    expected, _ = torch_loss(model, made, made.all)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    assert max(relative_errors(encoder, model).values()) < 1e-5


def test_position_rows_of_a_longer_batch_go_back_to_zero() -> None:
    model = torch_model("bert")
    encoder = native_of(model)
    encoder.train_with(schedule())
    long, short = material(model, 4, 90, 100), material(model, 1, 3, 3)
    encoder.gradient(long.rows, long.all, long.targets, key=1)
    encoder.gradient(short.rows, short.all, short.targets, key=1)
    rows = encoder.gradients()["bert.embeddings.position_embeddings.weight"]
    assert np.abs(rows[:3]).min() > 0
    assert not rows[3:].any()


def test_a_nan_is_not_hidden() -> None:
    model = torch_model("bert")
    encoder = native_of(model)
    made = material(model, 4, 5, 20)
    encoder.train_with(schedule())
    for name in (
        "bert.encoder.layer.0.attention.self.query.weight",
        "bert.encoder.layer.0.intermediate.dense.weight",
        "bert.encoder.layer.1.output.LayerNorm.bias",
    ):
        kept = encoder.weights[name].copy()
        encoder.weights[name].flat[3] = np.nan
        encoder.changed()
        loss, _ = encoder.gradient(made.rows, made.all, made.targets, key=1)
        assert np.isnan(loss), name
        assert np.isnan(encoder.logits(made.rows, made.all)).any(), name
        encoder.weights[name][...] = kept
    encoder.changed()
    loss, _ = encoder.gradient(made.rows, made.all, made.targets, key=1)
    assert np.isfinite(loss)


def test_what_cannot_be_computed_is_refused() -> None:
    model = torch_model("bert")
    encoder = native_of(model)
    made = material(model, 2, 5, 9)
    made.rows.ids[3] = 500
    encoder.train_with(schedule())
    with pytest.raises(ValueError, match="not in the vocabulary"):
        encoder.step(made.rows, made.all, made.targets, key=1)
    with pytest.raises(ValueError, match="not in the vocabulary"):
        encoder.logits(made.rows, made.all)
    made = material(model, 2, 5, 9)
    assert made.rows.types is not None
    made.rows.types[2] = 2
    with pytest.raises(ValueError, match="type"):
        encoder.logits(made.rows, made.all)
    made = material(model, 2, 5, 9)
    with pytest.raises(ValueError, match="label"):
        encoder.step(made.rows, made.all, made.targets + 2, key=1)
    long = material(model, 1, 513, 513)
    with pytest.raises(ValueError, match="positions"):
        encoder.logits(long.rows, long.all)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_any_length_and_any_batch(seed: int) -> None:
    """Lengths 1 to 512, batches 1 to 256, sizes that fill no tile."""
    generator = np.random.default_rng(seed)
    shape = sorted(SHAPES)[seed % len(SHAPES)]
    model = torch_model(shape, seed)
    encoder = native_of(model, threads=1 + seed % 3, name=COMPILED[seed % len(COMPILED)])
    encoder.train_with(schedule())
    count = int(generator.choice([1, 2, 3, 31, 97, 256]))
    longest = int(generator.choice([1, 2, 15, 16, 17, 130])) if count > 31 else 512
    made = material(model, count, 1, longest, seed)
    batch = generator.permutation(made.all)
    loss, _ = encoder.gradient(made.rows, batch, made.targets[batch], key=seed)
    model.double()
    expected, logits = torch_loss(model, made, batch)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    assert max(relative_errors(encoder, model).values()) < 2e-5
    assert np.abs(encoder.logits(made.rows, batch) - logits.detach().numpy()).max() < 5e-6
