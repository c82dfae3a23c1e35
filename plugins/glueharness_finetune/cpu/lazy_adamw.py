"""AdamW for word vectors that updates only the rows that a step uses.

A batch contains a few hundred of about 30,000 words. Dense AdamW still updates every row at every
step: the gradient of the others is zero, but their momentum and weight decay continue. What happens
to such a row between two uses depends only on the schedule, so it is done at once when the row is
next needed (:mod:`glueharness_finetune.cpu.skipped_steps`).

Shapes: v = words, h = width of a vector, u = words touched by a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from glueharness_finetune.cpu.skipped_steps import Constants, SkippedSteps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Constants", "LazyAdamW", "word_embedding"]

_ROWS_AT_ONCE = 4096


@dataclass(slots=True)
class _Touched:
    """Rows in use by the running step.

    Attributes:
        words: Their numbers, rising, ``[u]``.
        rows: Their vectors, up to date; a leaf of the graph, ``[u, h]``.
        moments: Their first and second moments, up to date, each ``[u, h]``.
    """

    words: torch.Tensor
    rows: torch.Tensor
    moments: tuple[torch.Tensor, torch.Tensor]


class LazyAdamW:
    """AdamW over the word vectors of an embedding layer, equivalent to the dense one.

    From construction to :meth:`release` the layer gives rows that are up to date when it is called
    in training with gradients wanted, and collects their gradient; its weight is up to date only
    after :meth:`flush`.

    Args:
        layer: The embedding layer; its weight lies on the processor, in float32.
        constants: AdamW's constants.
    """

    def __init__(self, layer: nn.Embedding, constants: Constants) -> None:
        self._layer = layer
        self._constants = constants
        self._past = SkippedSteps(constants)
        self._touched: list[_Touched] = []
        weight = layer.weight
        self._moments = (torch.zeros_like(weight.data), torch.zeros_like(weight.data))  # [v, h]
        self._last = np.zeros(len(weight), dtype=np.int64)  # [v]
        weight.requires_grad_(False)
        self._call = layer.forward
        layer.forward = self._look_up  # type: ignore[method-assign] # undone by release

    def release(self) -> None:
        """Bring the weight up to date, and leave the layer as it was."""
        self.flush()
        self._layer.forward = self._call  # type: ignore[method-assign] # what it was before
        self._layer.weight.requires_grad_(True)

    def touched(self) -> list[torch.Tensor]:
        """The rows that got a gradient since the last step, as leaves with ``.grad``, at most one.

        For the norm that clipping needs, and to be scaled by it in place.
        """
        found = [part for part in self._touched if part.rows.grad is not None]
        self._touched = [_merged(found)] if len(found) > 1 else found
        padding = self._layer.padding_idx
        for part in self._touched:
            if padding is not None and part.rows.grad is not None:
                place = int(np.searchsorted(part.words.numpy(), padding))
                if place < len(part.words) and part.words[place] == padding:
                    part.rows.grad[place].zero_()
        return [part.rows for part in self._touched]

    def step(self) -> None:
        """Move the touched rows by the schedule's next rate; all others are moved later."""
        self.touched()
        self._past.advance()
        for part in self._touched:
            rows = part.rows.detach()
            self._update(rows, part)
            self._keep(part.words, rows, part.moments)
        self.forget()

    def forget(self) -> None:
        """Drop the gradients, so that the next step begins anew."""
        self._touched.clear()

    @torch.no_grad()
    def flush(self) -> None:
        """Bring every row up to date: before the weight is used for anything but a step."""
        for start in range(0, len(self._last), _ROWS_AT_ONCE):
            late = np.flatnonzero(self._last[start : start + _ROWS_AT_ONCE] < self._past.step)
            if len(late):
                words = torch.from_numpy(late + start)
                self._keep(words, *self._caught_up(words))

    def tensors(self) -> dict[str, torch.Tensor]:
        """The state, to be kept with the weight as it stands, without a flush.

        They are not copies, and are not to be changed.
        """
        return {
            "exp_avg": self._moments[0],
            "exp_avg_sq": self._moments[1],
            "last": torch.from_numpy(self._last),
            "step": torch.tensor(self._past.step),
        }

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`tensors` told; the weight is restored by its owner."""
        self.forget()
        for mine, theirs in zip(self._moments, ("exp_avg", "exp_avg_sq"), strict=True):
            mine.copy_(tensors[theirs])
        self._last[:] = tensors["last"].numpy()
        self._past = SkippedSteps(self._constants)
        # Repeating the sums gives them bit by bit: the same operations in the same order.
        for _ in range(int(tensors["step"])):
            self._past.advance()

    def _look_up(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - as in PyTorch
        """The layer's forward pass: vectors ``[…, h]`` of words ``[…]``."""
        if not (self._layer.training and torch.is_grad_enabled()):
            return self._call(input)
        present, places = torch.unique(input, return_inverse=True)
        rows, moments = self._caught_up(present)
        rows.requires_grad_()
        self._touched.append(_Touched(present, rows, moments))
        return functional.embedding(places, rows)

    @torch.no_grad()
    def _caught_up(
        self, words: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Rows and moments after the present step; copies."""
        places = words.numpy()
        rows, first, second = (
            torch.from_numpy(table.numpy().take(places, axis=0)) for table in self._tables()
        )
        last = self._last[places]
        decay, move, ratio = self._past.since(last)
        below = _root(second).add_(ratio * self._constants.epsilon)
        rows.mul_(decay).addcdiv_(first * move, below, value=-1)
        gaps = torch.from_numpy(self._past.step - last).double()[:, None]
        for moment, beta in zip((first, second), self._constants.betas, strict=True):
            moment.mul_(torch.pow(beta, gaps).float())
        return rows, (first, second)

    @torch.no_grad()
    def _update(self, rows: torch.Tensor, part: _Touched) -> None:
        """One step of AdamW on up-to-date rows, in place."""
        constants, step = self._constants, self._past.step
        (beta1, beta2), rate = constants.betas, constants.rates[step - 1]
        first, second = part.moments
        gradient = part.rows.grad
        assert gradient is not None  # noqa: S101 - touched() leaves no others
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        below = _root(second).div_(math.sqrt(1 - beta2**step)).add_(constants.epsilon)
        rows.mul_(1 - rate * constants.weight_decay)
        rows.addcdiv_(first, below, value=-rate / (1 - beta1**step))

    def _keep(
        self, words: torch.Tensor, rows: torch.Tensor, moments: tuple[torch.Tensor, torch.Tensor]
    ) -> None:
        places = words.numpy()
        for table, values in zip(self._tables(), (rows, *moments), strict=True):
            # Not index_copy_, which takes several times as long.
            table.numpy()[places] = values.numpy()
        self._last[places] = self._past.step

    def _tables(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Vectors and moments of all words, each ``[v, h]``."""
        return (self._layer.weight.data, *self._moments)


def _root(values: torch.Tensor) -> torch.Tensor:
    """The square root; PyTorch's takes twenty times as long for zeros, and new rows are zero."""
    return torch.from_numpy(np.sqrt(values.numpy()))


def _merged(parts: Sequence[_Touched]) -> _Touched:
    """What several batches of a step have touched, each row once, with the sum of its gradients."""
    words, places = torch.unique(torch.cat([part.words for part in parts]), return_inverse=True)
    gradients = [part.rows.grad for part in parts if part.rows.grad is not None]
    width = parts[0].rows.shape[1]
    gradient = torch.zeros(len(words), width).index_add_(0, places, torch.cat(gradients))

    def first_of(tensors: list[torch.Tensor]) -> torch.Tensor:
        # The batches agree on a row that several of them hold: none of them has moved it yet.
        return torch.empty(len(words), width).index_copy_(0, places, torch.cat(tensors))

    rows = first_of([part.rows.detach() for part in parts]).requires_grad_()
    rows.grad = gradient
    first = first_of([part.moments[0] for part in parts])
    second = first_of([part.moments[1] for part in parts])
    return _Touched(words, rows, (first, second))


def word_embedding(model: nn.Module) -> nn.Embedding | None:
    """The layer whose rows can be moved lazily; None if the model has no such layer.

    It must be a plain embedding of the input words, trained, in float32 on the processor, and its
    weight must be used nowhere else: a tied output layer gives every row a gradient.
    """
    find = getattr(model, "get_input_embeddings", None)
    try:
        layer = find() if callable(find) else None
    except NotImplementedError:
        return None
    if type(layer) is not nn.Embedding or layer.sparse or layer.scale_grad_by_freq:
        return None
    weight = layer.weight
    owners = sum(
        parameter is weight for _, parameter in model.named_parameters(remove_duplicate=False)
    )
    fits = (
        owners == 1
        and layer.max_norm is None
        and weight.requires_grad
        and weight.dtype is torch.float32
        and weight.device.type == "cpu"
    )
    return layer if fits else None
