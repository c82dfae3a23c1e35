"""Which rows go together, in what order, and how they become tensors.

Shapes: b = rows of a batch, s = its padded length, n = rows of the split.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt
    import torch

    from glueharness_finetune.tokens.tokenize import Encoded

Item = TypeVar("Item")

_MULTIPLE = 8
"""Lengths are rounded up to this: matrix kernels are made for few shapes, and quickest for such."""
_POOL_STEPS = 64
"""Steps whose rows are sorted by length together: enough for little padding, few enough that the
batches of an epoch differ from those of the last."""


@dataclass(frozen=True, slots=True)
class Padding:
    """How rows are filled up.

    Attributes:
        id: Token id of the padding.
        type: Token type of the padding.
        left: Whether it goes before the tokens.
        longest: Longest row that the model takes, in tokens.
        same_length: Whether rows are not filled up at all: only rows of one length go together.
        input_name: What the model calls its token ids.
    """

    id: int
    type: int = 0
    left: bool = False
    longest: int = 512
    same_length: bool = False
    input_name: str = "input_ids"

    @property
    def multiple(self) -> int:
        """What lengths are rounded up to."""
        return 1 if self.same_length else _MULTIPLE

    def unpadded(self) -> Padding:
        """The same without any padding."""
        return replace(self, same_length=True)

    def width(self, longest: int) -> int:
        """Padded length of a batch whose longest row has that many tokens."""
        return min(-(-longest // self.multiple) * self.multiple, max(longest, self.longest))


def plan_epoch(
    lengths: npt.NDArray[np.int64],
    rows_a_step: int,
    seed: tuple[int, int],
    *,
    buckets: bool,
    multiple: int = _MULTIPLE,
) -> list[npt.NDArray[np.int64]]:
    """The rows of each optimiser step of an epoch, every row once; the same for the same seed.

    Args:
        lengths: Number of tokens of each row, ``[n]``.
        rows_a_step: Rows an optimiser step; the last of the epoch's steps may have fewer.
        seed: Run seed and epoch.
        buckets: Whether the rows of a step are of about equal length.
        multiple: What lengths are rounded up to; 1 where only rows of one length go together.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    order = generator.permutation(len(lengths))
    if not buckets:
        return np.split(order, range(rows_a_step, len(order), rows_a_step))
    steps: list[npt.NDArray[np.int64]] = []
    pool = rows_a_step * _POOL_STEPS
    for start in range(0, len(order), pool):
        rows = order[start : start + pool]
        rounded = -(-lengths[rows] // multiple)
        rows = rows[np.argsort(rounded, kind="stable")]
        steps += np.split(rows, range(rows_a_step, len(rows), rows_a_step))
    return [steps[position] for position in generator.permutation(len(steps))]


def plan_prediction(
    lengths: npt.NDArray[np.int64], padding: Padding, tokens: int
) -> list[npt.NDArray[np.int64]]:
    """Batches for prediction: rows sorted by length, as many at once as the token budget holds."""
    order = np.argsort(lengths, kind="stable")
    batches: list[npt.NDArray[np.int64]] = []
    end = len(order)
    while end > 0:
        width = padding.width(int(lengths[order[end - 1]]))
        start = max(0, end - max(1, tokens // width))
        if padding.same_length:
            start = max(start, int(np.searchsorted(lengths[order], lengths[order[end - 1]])))
        batches.append(order[start:end])
        end = start
    return batches


def together(
    rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], padding: Padding, at_once: int
) -> Iterator[npt.NDArray[np.int64]]:
    """A step's rows in the batches that go through the model.

    Args:
        rows: The rows, ``[n]``.
        lengths: Tokens of every row of the split.
        padding: Whether rows of different length may go together.
        at_once: Most rows of a batch.
    """
    groups = [rows]
    if padding.same_length:
        order = rows[np.argsort(lengths[rows], kind="stable")]
        groups = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    for group in groups:
        for start in range(0, len(group), at_once):
            yield group[start : start + at_once]


def collate(
    encoded: Encoded, rows: npt.NDArray[np.int64], padding: Padding
) -> dict[str, torch.Tensor]:
    """Padded inputs of some rows: token ids, ``attention_mask``, and ``token_type_ids`` where
    the model has them; int64 ``[b, s]``.
    """  # noqa: D205 - one sentence
    import torch

    starts, lengths = encoded.offsets[rows], encoded.lengths[rows]  # [b]
    width = padding.width(int(lengths.max()))
    columns = np.arange(width)  # [s]
    before = (width - lengths if padding.left else np.zeros_like(lengths))[:, None]  # [b, 1]
    mask = (columns >= before) & (columns < before + lengths[:, None])  # [b, s]
    source = (starts[:, None] + columns - before)[mask]
    ids = np.full(mask.shape, padding.id, dtype=np.int64)
    ids[mask] = encoded.ids[source]
    inputs = {
        padding.input_name: torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
    }
    if encoded.types is not None:
        types = np.full(mask.shape, padding.type, dtype=np.int64)
        types[mask] = encoded.types[source]
        inputs["token_type_ids"] = torch.from_numpy(types)
    return inputs


def made_ahead(items: Iterable[Item], depth: int) -> Iterator[Item]:
    """The items in their order, ``depth`` of them made ahead by a thread."""
    source = iter(items)
    end: Any = object()
    with ThreadPoolExecutor(1) as worker:
        waiting = deque(worker.submit(next, source, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(worker.submit(next, source, end))
            yield item
