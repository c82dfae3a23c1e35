"""What PyTorch raises when memory runs out: three kinds of errors, one told by its words."""

from __future__ import annotations

_WORDS = ("not enough memory", "can't allocate memory")


def ran_out(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or in the machine."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
