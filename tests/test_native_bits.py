"""The same seed gives the same bits, whatever computes; and random numbers that are random."""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.native_tools import (
    COMPILED,
    library,
    material,
    native_of,
    needs_library,
    schedule,
    torch_model,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from glueharness_native.encoder import NativeEncoder

pytestmark = needs_library


def trained(encoder: NativeEncoder, model: Any, steps: int = 6) -> dict[str, bytes]:
    """Weights, moments and logits after some steps of different lengths."""
    encoder.train_with(schedule(layer_decay=0.9))
    made = material(model, 60, 1, 40)
    for step in range(steps):
        batch = np.arange(step, 60, 3 if step % 2 else 59)
        encoder.step(made.rows, batch, made.targets[batch], key=1000 + step)
        if step == 3:
            encoder.flush()
            encoder.logits(made.rows, made.all)
    encoder.flush()
    found = {**encoder.weights, **encoder.state()}
    found["logits"] = encoder.logits(made.rows, made.all)
    return {name: value.tobytes() for name, value in found.items()}


@pytest.mark.parametrize("shape", ["bert", "bert-regression", "electra"])
def test_threads_and_instruction_sets_give_the_same_bits(shape: str) -> None:
    model = torch_model(shape)
    found = [
        trained(native_of(model, dropout=0.1, name=name, threads=threads), model)
        for name in COMPILED
        for threads in (1, 2, 3)
    ]
    for first, second in pairwise(found):
        assert first == second


def test_bf16_gives_the_same_bits_for_any_number_of_threads() -> None:
    if COMPILED[0] != "avx512_bf16":
        pytest.skip("this processor has no bfloat16")
    model = torch_model("bert")
    found = [
        trained(native_of(model, dropout=0.1, threads=threads, bf16=True), model)
        for threads in (1, 2, 3)
    ]
    assert found[0] == found[1] == found[2]


def test_a_row_has_the_same_scores_alone_as_in_company() -> None:
    model = torch_model("bert")
    encoder = native_of(model)
    made = material(model, 40, 1, 60)
    together = encoder.logits(made.rows, made.all)
    for row in (0, 7, 39):
        assert np.array_equal(encoder.logits(made.rows, made.all[row : row + 1])[0], together[row])


def mask(rate: float, key: int, stream: int, block: int, count: int) -> npt.NDArray[np.bool_]:
    """A dropout mask of ``count`` elements: what is kept."""
    words = np.zeros(count // 16, np.uint16)
    library().tell(
        "mask", ctypes.c_float(rate), ctypes.c_uint64(key), ctypes.c_uint32(stream),
        ctypes.c_uint32(block), ctypes.c_int64(count), ctypes.c_void_p(words.ctypes.data),
    )  # fmt: skip
    return np.unpackbits(words.view(np.uint8), bitorder="little").astype(bool)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.003])
def test_the_rate_is_within_three_deviations_of_what_was_asked(rate: float) -> None:
    count = 16 * 2**18
    drawn = np.concatenate([mask(rate, key, 3, 1, count) for key in range(24)])  # 1e8 elements
    real = round(rate * 65536) / 65536
    deviation = np.sqrt(real * (1 - real) / drawn.size)
    assert abs((~drawn).mean() - real) < 3 * deviation
    assert abs(real - rate) < 1 / 65536


def test_masks_are_not_correlated() -> None:
    """Neither neighbours nor layers, steps, or blocks."""
    count = 16 * 2**17
    first = (~mask(0.1, 5, 3, 1, count)).astype(np.float64)
    deviation = 1 / np.sqrt(count)

    def correlation(other: npt.NDArray[Any]) -> float:
        return float(np.corrcoef(first[: len(other)], other)[0, 1])

    for lag in (1, 2, 15, 16, 17, 127, 128, 2048):
        assert abs(correlation(first[lag:])) < 4 * deviation, lag
    others = {"step": (6, 3, 1), "layer": (5, 4, 1), "place": (5, 7, 1), "block": (5, 3, 2)}
    for name, (key, stream, block) in others.items():
        other = (~mask(0.1, key, stream, block, count)).astype(np.float64)
        assert abs(correlation(other)) < 4 * deviation, name


def test_dropout_is_in_training_alone_and_keeps_the_mean() -> None:
    model = torch_model("bert")
    encoder = native_of(model, dropout=0.2)
    plain = native_of(model)
    made = material(model, 16, 10, 30)
    assert np.array_equal(encoder.logits(made.rows, made.all), plain.logits(made.rows, made.all))
    losses = []
    for one in (encoder, plain):
        one.train_with(schedule())
        losses.append(
            [one.gradient(made.rows, made.all, made.targets, key=k)[0] for k in range(60)]
        )
    dropped, whole = (np.asarray(each) for each in losses)
    assert np.ptp(whole) == 0
    assert np.ptp(dropped) > 0
    assert abs(dropped.mean() - whole.mean()) < 0.2 * whole.mean()
