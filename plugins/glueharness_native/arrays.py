"""The arrays that the native engine works on: flat, and seen by the checkpoint's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from glueharness_native.architectures import Architecture

_ALIGNMENT = 64


def aligned_zeros(*shape: int) -> npt.NDArray[np.float32]:
    """Zeros, float32, that begin at a cache line."""
    count = int(np.prod(shape))
    raw = np.zeros(4 * count + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + 4 * count].view(np.float32).reshape(shape)


def pointer(array: npt.NDArray[Any]) -> int:
    """Where an array's values lie in memory."""
    return int(array.ctypes.data)


def is_spared(ours: str) -> bool:
    """Whether a parameter, by the engine's name, is a bias or a norm's: a vector, without decay."""
    return ours.endswith(".bias") or "_norm." in ours


def views_of(
    architecture: Architecture,
    places: Mapping[str, tuple[int, int, int]],
    flat: npt.NDArray[np.float32],
    words: npt.NDArray[np.float32] | None,
) -> dict[str, npt.NDArray[np.float32]]:
    """The parts of a flat array by the checkpoint's names.

    Args:
        architecture: Knows the names.
        places: Where each of the engine's parameters begins, its rows and its columns.
        flat: The array.
        words: The word vectors, which lie apart; None: leave them out.
    """
    found = {}
    for theirs, (ours, first, rows) in architecture.parameters().items():
        at, height, width = places[ours]
        if is_spared(ours):  # [1, width]
            part = flat[at + first : at + (first + rows if rows else width)]
        else:
            whole = flat[at : at + height * width].reshape(height, width)
            part = whole[first : first + rows if rows else height]
        found[theirs] = part
    if words is not None:
        found[architecture.words] = words
    return found
