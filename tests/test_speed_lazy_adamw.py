"""The lazy optimiser of word vectors against PyTorch's dense AdamW in double precision."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional

from glueharness_finetune.cpu.lazy_adamw import Constants, LazyAdamW, word_embedding

STEPS, WORDS, WIDTH, LARGEST = 420, 60, 8, 0.05
NEVER, RARE = 59, 58
"""A word that no batch holds, and one that the 2nd and 400th do."""


def schedule(peak: float) -> list[float]:
    """Linear warm-up from zero and decay, as in the engine."""
    rising = [peak * step / 40 for step in range(40)]
    return rising + [peak * (STEPS - step) / (STEPS - 40) for step in range(40, STEPS)]


def batches() -> list[list[torch.Tensor]]:
    """Two batches of words a step, with repetitions; a tenth of the words come up rarely."""
    draw = torch.Generator().manual_seed(3)
    chances = torch.cat([torch.ones(50), torch.full((8,), 0.01), torch.zeros(2)])
    steps = []
    for step in range(STEPS):
        words = torch.multinomial(chances, 24, replacement=True, generator=draw)
        if step in (1, 399):
            words[5] = RARE
        steps.append(list(words.view(2, 3, 4)))
    return steps


class Sentence(nn.Module):
    """Words through an embedding and a layer to a number."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.words = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        self.layer = nn.Linear(WIDTH, 1)
        with torch.no_grad():
            self.words.weight[0] = 0.5  # weight decay goes on even for padding
        self.to(dtype)

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def loss(self, words: torch.Tensor) -> torch.Tensor:
        scores = self.layer(torch.tanh(self.words(words)).mean(1))
        return functional.mse_loss(scores[:, 0], (words.sum(1) % 3).to(scores.dtype))


@dataclass
class Dense:
    """What the lazy one must equal, written to be obviously right."""

    model: Sentence
    rates: list[float]

    def run(self, steps: int) -> None:
        optimiser = torch.optim.AdamW(self.model.parameters(), lr=1.0, weight_decay=0.01)
        for rate, parts in zip(self.rates[:steps], batches(), strict=False):
            for words in parts:
                torch.autograd.backward(self.model.loss(words) / len(parts))
            nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST)
            optimiser.param_groups[0]["lr"] = rate
            optimiser.step()
            optimiser.zero_grad()


class Lazy:
    """The same with the lazy optimiser for the words."""

    def __init__(self, model: Sentence, rates: list[float]) -> None:
        self.model, self.rates = model, rates
        self.words = LazyAdamW(model.words, Constants(rates=rates, weight_decay=0.01))
        self.others = torch.optim.AdamW(model.layer.parameters(), lr=1.0, weight_decay=0.01)

    def run(self, start: int, end: int) -> None:
        for rate, parts in list(zip(self.rates, batches(), strict=True))[start:end]:
            for words in parts:
                torch.autograd.backward(self.model.loss(words) / len(parts))
            leaves = [*self.model.layer.parameters(), *self.words.touched()]
            nn.utils.clip_grad_norm_(leaves, LARGEST)
            self.others.param_groups[0]["lr"] = rate
            self.others.step()
            self.words.step()
            self.others.zero_grad()


@functools.cache
def dense(peak: float) -> tuple[Sentence, Sentence]:
    """A model after dense training, in double and in single precision."""
    found = []
    for dtype in (torch.float64, torch.float32):
        model = Sentence(dtype)
        Dense(model, schedule(peak)).run(STEPS)
        found.append(model)
    return found[0], found[1]


@pytest.mark.parametrize("peak", [2e-5, 5e-3])
@pytest.mark.parametrize("flush_every", [STEPS, 100])
def test_equals_dense_adamw(peak: float, flush_every: int) -> None:
    exact, single = dense(peak)
    lazy = Lazy(Sentence(), schedule(peak))
    for begin in range(0, STEPS, flush_every):
        lazy.run(begin, min(begin + flush_every, STEPS))
        lazy.words.flush()
    truth = exact.words.weight.detach()
    error = float((lazy.model.words.weight.double() - truth).abs().max())
    of_dense = float((single.words.weight.double() - truth).abs().max())
    moved = float((truth - Sentence(torch.float64).words.weight).abs().max())
    assert moved > 30 * peak, "the words must have moved for this to mean anything"
    assert error <= 1e-5 * float(truth.abs().max())
    assert error <= 2 * of_dense, f"{error:.2e}; dense in single precision: {of_dense:.2e}"
    for word in (0, NEVER, RARE):
        found = lazy.model.words.weight[word].double()
        torch.testing.assert_close(found, truth[word], rtol=1e-6, atol=1e-6)
    layer = lazy.model.layer.weight.double()
    torch.testing.assert_close(layer, exact.layer.weight, rtol=1e-3, atol=peak / 10)


def test_moments_equal_the_dense_ones() -> None:
    rates = schedule(1e-3)
    model = Sentence()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1.0, weight_decay=0.01)
    lazy = Lazy(Sentence(), rates)
    for step, parts in enumerate(batches()[:150]):
        for words in parts:
            torch.autograd.backward(model.loss(words) / len(parts))
        nn.utils.clip_grad_norm_(model.parameters(), LARGEST)
        optimiser.param_groups[0]["lr"] = rates[step]
        optimiser.step()
        optimiser.zero_grad()
    lazy.run(0, 150)
    lazy.words.flush()
    for name in ("exp_avg", "exp_avg_sq"):
        dense = optimiser.state[model.words.weight][name]
        torch.testing.assert_close(lazy.words.tensors()[name], dense, rtol=1e-3, atol=1e-7)


def test_goes_on_from_its_state_bit_by_bit() -> None:
    rates = schedule(1e-3)
    whole = Lazy(Sentence(), rates)
    whole.run(0, 390)
    kept = {name: value.clone() for name, value in whole.words.tensors().items()}
    model, others = copy.deepcopy(whole.model.state_dict()), whole.others.state_dict()
    resumed = Lazy(Sentence(), rates)
    resumed.model.load_state_dict(model)
    resumed.others.load_state_dict(copy.deepcopy(others))
    resumed.words.restore(kept)
    for run in (whole, resumed):
        run.run(390, STEPS)
        run.words.flush()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    for name, value in whole.words.tensors().items():
        assert torch.equal(value, resumed.words.tensors()[name]), name


def test_rows_are_read_up_to_date_and_forgotten_gradients_leave_no_trace() -> None:
    lazy = Lazy(Sentence(), schedule(1e-2))
    lazy.run(0, 100)
    words = torch.arange(WORDS)
    seen = lazy.model.words(words).detach()
    torch.autograd.backward(lazy.model.words(words).sum())
    lazy.words.forget()
    before = lazy.model.words.weight.detach().clone()
    lazy.words.flush()
    assert not torch.equal(before, lazy.model.words.weight), "nothing was late"
    assert torch.equal(seen, lazy.model.words.weight)
    lazy.words.release()
    assert lazy.model.words.weight.requires_grad
    torch.autograd.backward(lazy.model.words(words).sum())
    assert lazy.model.words.weight.grad is not None


class Tied(Sentence):
    """Its output layer has the embedding's weight."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(WIDTH, WORDS, bias=False)
        self.out.weight = self.words.weight


def test_knows_where_it_applies() -> None:
    plain = Sentence()
    assert word_embedding(plain) is plain.words
    assert word_embedding(Tied()) is None
    assert word_embedding(Sentence(torch.float64)) is None
    assert word_embedding(nn.Linear(2, 2)) is None
    frozen = Sentence()
    frozen.words.weight.requires_grad_(False)
    assert word_embedding(frozen) is None
    bounded = Sentence()
    bounded.words.max_norm = 1.0
    assert word_embedding(bounded) is None
