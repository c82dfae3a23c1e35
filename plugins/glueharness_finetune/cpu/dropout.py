"""Dropout on a processor with sixteen random bits per element.

PyTorch draws a 32-bit number for each element, turns it into a fraction and compares it, one after
the other. Here the bits come in words of 64, and all of them are compared at once.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_VALUES = 2**16
_A_WORD = 4
"""Elements that get their bits from a word."""
_NUMPY_TYPE: dict[torch.dtype, Any] = {
    torch.float64: np.float64,
    torch.float32: np.float32,
    # numpy has no bfloat16: its bits go through integers of the same size.
    torch.bfloat16: np.int16,
    torch.float16: np.int16,
}


def keep_mask(shape: Sequence[int], rate: float, dtype: torch.dtype) -> torch.Tensor:
    """What dropout multiplies with: 0 where an element is dropped, 1 / (1 - rate) elsewhere.

    The randomness comes from PyTorch's generator alone: ``torch.manual_seed`` fixes the masks,
    and whoever keeps ``torch.get_rng_state`` keeps them too.

    Args:
        shape: Shape of the mask.
        rate: Chance of each element to be dropped, above 0 and below 1.
        dtype: A floating-point type that ``_NUMPY_TYPE`` knows.
    """
    mask = _kept(math.prod(shape), rate).astype(_NUMPY_TYPE[dtype])
    mask *= _scale(rate, dtype)
    return torch.from_numpy(mask).view(dtype).view(*shape)


@functools.cache
def _scale(rate: float, dtype: torch.dtype) -> float:
    """What kept elements are multiplied with, as a number of the numpy type."""
    scale = torch.tensor(1 / (1 - rate), dtype=dtype)
    return (scale.view(torch.int16) if _NUMPY_TYPE[dtype] is np.int16 else scale).item()


def _kept(count: int, rate: float) -> npt.NDArray[np.bool_]:
    """Whether each element is kept.

    The chance of each is exact: a rate that is no multiple of 2^-16 falls now to the multiple
    below it, now to the one above.
    """
    generator = _generator()
    threshold = int(rate * _VALUES + generator.random())
    words = generator.bit_generator.random_raw(-(-count // _A_WORD))
    kept: npt.NDArray[np.bool_] = words.view(np.uint16)[:count] >= threshold
    return kept


def _generator() -> np.random.Generator:
    """A quick generator whose state is drawn from PyTorch's."""
    words = torch.empty(4, dtype=torch.int64).random_().numpy().view(np.uint64)
    words[3] = 1  # its counter
    _STATE["state"]["state"] = words
    _BITS.state = _STATE
    return _QUICK


_BITS = np.random.SFC64(0)
_QUICK = np.random.Generator(_BITS)
_STATE: Any = {"bit_generator": "SFC64", "state": {}, "has_uint32": 0, "uinteger": 0}


class QuickDropout(nn.Dropout):
    """``nn.Dropout`` whose masks come from :func:`keep_mask` where that is quicker."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - its name in PyTorch
        """Drop elements in training; any shape."""
        return drop(input, self.p) if self.training else input


def drop(values: torch.Tensor, rate: float) -> torch.Tensor:
    """``values`` after dropout; on anything but a processor as PyTorch does it."""
    if not 0 < rate < 1 or values.device.type != "cpu" or values.dtype not in _NUMPY_TYPE:
        return functional.dropout(values, rate, training=True)
    return values * keep_mask(values.shape, rate, values.dtype)


def install(model: nn.Module) -> int:
    """Replace a model's dropout layers.

    They hold no weights, and do nothing in evaluation: a checkpoint of the model is the same.

    Returns:
        How many there were. Models that call ``functional.dropout`` have none, and stay as they
        are.
    """
    return _replace(model, nn.Dropout, QuickDropout)


def remove(model: nn.Module) -> int:
    """Undo :func:`install`; returns how many layers there were."""
    return _replace(model, QuickDropout, nn.Dropout)


def _replace(model: nn.Module, old: type[nn.Dropout], new: type[nn.Dropout]) -> int:
    made: dict[nn.Module, nn.Dropout] = {}
    for path, layer in list(model.named_modules(remove_duplicate=False)):
        if type(layer) is old:
            if layer not in made:
                made[layer] = new(layer.p, layer.inplace).train(layer.training)
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, made[layer])
    return len(made)
