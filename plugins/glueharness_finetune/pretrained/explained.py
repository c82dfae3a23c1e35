"""What libraries raise when they read a checkpoint, told in a sentence."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glueharness import ModelError
from glueharness_finetune.pretrained.files import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn whatever reading a checkpoint raises into one message."""
    # Pickled weights could otherwise be sent to the hub to be converted there.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        if isinstance(error, KeyError):
            reason = _unknown_value(folder, error)
        if "trust_remote_code" in reason:
            raise ModelError(
                "the checkpoint comes with code of its own, which is not run unasked",
                where=str(folder),
                remedy="If you have read that code and trust its author: --trust-remote-code.",
            ) from error
        if "Weights only load failed" in reason:
            raise ModelError(
                "the weights are pickled and hold more than tensors, such as code, which is not "
                "run",
                where=str(folder),
                remedy="Take the weights in the safetensors format, or convert them where you "
                "trust the file.",
            ) from error
        raise ModelError(
            f"the model cannot be loaded: {reason[:400] or type(error).__name__}",
            where=str(folder),
            remedy="Check that its files are complete, and as they were published.",
        ) from error


def _unknown_value(folder: Path, error: KeyError) -> str:
    """What a library could not find, with the place in the configuration where it is asked for."""
    missing = error.args[0] if error.args else ""
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    named = [name for name, value in config.items() if value == missing]
    if named and isinstance(missing, str):
        return f"{CONFIG} says that {named[0]} is {missing!r}, which transformers does not know"
    return f"there is no {missing!r} (KeyError)"
