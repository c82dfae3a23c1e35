"""A checkpoint's tensors, from safetensors to numpy, under the names that a classifier has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness_finetune.plain import NotPlain
from glueharness_finetune.pretrained.soundness import LARGEST_WEIGHT, MOST_FLAT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from glueharness.specs.engine import Arrays

_WEIGHTS = "model.safetensors"
# Of pretraining, or of other tasks; and a table of numbers that old versions wrote.
_LEFT_OUT = re.compile(
    r"(cls|lm_head|qa_outputs|discriminator_predictions|generator_\w+|vocab_\w+)\.|.*position_ids$"
)


def read_weights(folder: Path, wanted: Arrays, head: set[str]) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a checkpoint that a classifier has, in float32.

    Args:
        folder: The checkpoint.
        wanted: The classifier's parameters, for names and shapes.
        head: Names of those that depend on the task, which may be missing or of other sizes.

    Returns:
        By the classifier's names; those of ``head`` only where they are there and fit.

    Raises:
        NotPlain: The tensors are not exactly those of such a classifier.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not (folder / _WEIGHTS).is_file():
        raise NotPlain(f"there is no {_WEIGHTS}")
    try:
        stored = load_file(folder / _WEIGHTS)
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError) as error:
        raise NotPlain(f"{_WEIGHTS} holds tensors that numpy does not know") from error
    named = _with_prefix(stored, wanted)
    found = {}
    for name, values in named.items():
        if name in wanted:
            if values.shape == wanted[name].shape:
                found[name] = _single(name, values)
            elif name not in head:
                raise NotPlain(f"the tensor {name} is {list(values.shape)}")
        elif not _LEFT_OUT.match(name) and not _of_a_head(name, head):
            raise NotPlain(f"there is a tensor {name}")
    missing = sorted(set(wanted) - set(found) - head)
    if missing:
        raise NotPlain(f"there is no tensor {missing[0]}")
    _check_variety(found)
    return found


def _of_a_head(name: str, head: set[str]) -> bool:
    """Whether a tensor belongs to a head of the same name, but for another task."""
    layers = {each.split(".")[0] for each in head if "pooler" not in each}
    return name.split(".", maxsplit=1)[0] in layers


def _with_prefix(stored: Arrays, wanted: Arrays) -> Mapping[str, npt.NDArray[Any]]:
    """The tensors under the classifier's names: those of a bare encoder lack its name."""
    prefix = next(iter(wanted)).split(".")[0] + "."
    if any(name.startswith(prefix) for name in stored):
        return stored
    return {
        name if name in wanted or prefix + name not in wanted else prefix + name: values
        for name, values in stored.items()
    }


def _single(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if values.dtype not in (np.float32, np.float16, np.float64):
        raise NotPlain(f"the tensor {name} is {values.dtype}")
    single = values.astype(np.float32, copy=False)
    # Also of a NaN, no comparison holds.
    if single.size and not (single.min() > -LARGEST_WEIGHT and single.max() < LARGEST_WEIGHT):
        raise NotPlain(f"the tensor {name} holds values that are no weights")
    return single


def _check_variety(found: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Leave a checkpoint to transformers, and its reader to refuse, if its matrices are flat."""
    matrices = [values for values in found.values() if values.ndim == 2 and values.size]
    flat = sum(bool((values[0] == values.flat[0]).all()) for values in matrices)
    if len(matrices) > 1 and flat > MOST_FLAT * len(matrices):
        raise NotPlain("most of its matrices hold nothing but one and the same value")
