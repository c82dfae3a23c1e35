"""Quick dropout: the right rate, no pattern, the right gradient, and nothing left in a model."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from glueharness_finetune.cpu import dropout

ROWS, COLUMNS = 400, 1000


def kept(rate: float, seed: int = 0) -> torch.Tensor:
    """Which elements are kept, as 0 and 1, float64 ``[ROWS, COLUMNS]``."""
    torch.manual_seed(seed)
    return (dropout.keep_mask((ROWS, COLUMNS), rate, torch.float32) > 0).double()


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9])
def test_rate(rate: float) -> None:
    found = kept(rate)
    sigma = math.sqrt(rate * (1 - rate) / found.numel())
    assert abs(1 - float(found.mean()) - rate) < 4 * sigma
    # The rate holds at every place of the tensor, first and last elements included.
    for ends in (found[:, 0], found[:, -1], found[0], found[-1]):
        assert abs(1 - float(ends.mean()) - rate) < 4.5 * math.sqrt(rate * (1 - rate) / len(ends))
    counts = ROWS - found.sum(0)  # dropped in each column: binomial
    spread = float(counts.var()) / (ROWS * rate * (1 - rate))
    assert abs(spread - 1) < 5 * math.sqrt(2 / COLUMNS) + 5 / math.sqrt(ROWS * rate * COLUMNS)


@pytest.mark.parametrize("apart", [1, 2, 3, 7, 10, COLUMNS])
def test_elements_are_independent(apart: int) -> None:
    rate = 0.1
    flat = (1 - kept(rate)).view(-1) - rate
    correlation = float((flat[:-apart] * flat[apart:]).mean()) / (rate * (1 - rate))
    assert abs(correlation) < 4.5 / math.sqrt(len(flat) - apart)


def test_two_masks_are_independent_and_a_seed_fixes_both() -> None:
    torch.manual_seed(7)
    first, second = (dropout.keep_mask((10**5,), 0.1, torch.float32) for _ in range(2))
    both = float(((first == 0) & (second == 0)).double().mean())
    assert abs(both - 0.01) < 4 * math.sqrt(0.01 * 0.99 / 10**5)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    assert torch.equal(dropout.keep_mask((10**5,), 0.1, torch.float32), first)
    torch.set_rng_state(state)
    assert torch.equal(dropout.keep_mask((10**5,), 0.1, torch.float32), first)
    assert torch.equal(dropout.keep_mask((10**5,), 0.1, torch.float32), second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_values_and_gradient(dtype: torch.dtype) -> None:
    layer = dropout.QuickDropout(0.25)
    values = torch.randn(37, 11).to(dtype).requires_grad_()
    found = layer(values)
    assert found.dtype is dtype
    torch.autograd.backward(found.sum())
    assert values.grad is not None
    mask = values.grad
    scale = torch.tensor(1 / 0.75, dtype=dtype)
    assert set(mask.flatten().tolist()) == {0.0, scale.item()}
    assert torch.equal(found, values * mask)
    assert torch.equal(layer.eval()(values), values)


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(0,), (1,), (3, 0, 2)])
def test_borders(rate: float, shape: tuple[int, ...]) -> None:
    values = torch.ones(shape)
    assert torch.equal(dropout.drop(values, rate), values * (1 - rate))
    assert dropout.drop(values, 0.5).shape == values.shape
    assert float(dropout.drop(torch.ones(5, dtype=torch.int8).double(), 0.999).sum()) >= 0


def test_under_autocast() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    assert dropout.install(model) == 1
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(torch.randn(64, 8)).float().square().mean()
    torch.autograd.backward(loss)
    gradient = model[0].weight.grad
    assert gradient is not None
    assert gradient.dtype is torch.float32
    assert bool(gradient.isfinite().all())


def test_a_model_is_left_as_it_was() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = nn.Dropout(0.3)
            self.again = self.shared
            self.deep = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.1)))
            self.other = nn.Dropout1d(0.2)

    model = Model()
    before = repr(model), list(model.state_dict())
    model.eval()
    assert dropout.install(model) == 2
    assert isinstance(model.again, dropout.QuickDropout)
    assert model.again is model.shared
    assert model.again.p == 0.3
    assert not model.again.training
    assert type(model.other) is nn.Dropout1d
    assert list(model.state_dict()) == before[1]
    assert dropout.remove(model) == 2
    assert (repr(model), list(model.state_dict())) == before
    assert type(model.shared) is nn.Dropout
