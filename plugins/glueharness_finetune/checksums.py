"""Tensors in files and folders with checksums beside them, so that damage is noticed."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import torch

    from glueharness.specs.engine import Arrays

_SUMS = "checksums.json"


class Damaged(Exception):  # noqa: N818 - found while reading, handled there
    """A folder's files do not match their checksums."""


def size_of(tensors: Mapping[str, Any]) -> int:
    """Bytes that tensors of PyTorch or numpy take."""
    return sum(int(tensor.nbytes) for tensor in tensors.values())


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turns a failure to write tensors into an ``OSError``.

    Raises:
        OSError: In the words of the system.
    """
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        words = " ".join(str(error).split())
        raise OSError(words.removeprefix("Error while serializing: I/O error: ")) from error


def write_tensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write tensors of PyTorch, or contiguous ones of numpy, by name.

    Raises:
        OSError: The disk is full, for instance.
    """
    if all(isinstance(tensor, np.ndarray) for tensor in tensors.values()):
        from safetensors.numpy import save_file as save_arrays

        with plain_errors():
            save_arrays(dict(tensors), path)
        return
    from safetensors.torch import save_file

    whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with plain_errors():
        save_file(whole, path)


def read_tensors(path: Path) -> Mapping[str, torch.Tensor]:
    """Read tensors by name."""
    from safetensors.torch import load_file

    loaded: dict[str, torch.Tensor] = load_file(path)
    return loaded


def read_arrays(path: Path) -> Arrays:
    """Read tensors by name, as numpy arrays."""
    from safetensors.numpy import load_file

    loaded: Arrays = load_file(path)
    return loaded


def seal(folder: Path) -> None:
    """Write the checksums of a folder's files beside them."""
    sums = {path.name: _sum_of(path) for path in sorted(folder.iterdir()) if path.is_file()}
    (folder / _SUMS).write_text(json.dumps(sums, indent=1), encoding="utf-8")


def verify(folder: Path) -> None:
    """Compare a folder's files with their checksums.

    Raises:
        Damaged: A file is missing or differs from what was written.
    """
    try:
        sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
        for name, expected in sums.items():
            if _sum_of(folder / name) != expected:
                raise Damaged(f"{folder.name}/{name} is not what was written")
    except (OSError, ValueError, AttributeError) as error:
        raise Damaged(f"{folder.name} cannot be read") from error


def _sum_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
