"""A cache of tokenized texts on disk, which finds them by what they were made from.

An entry's name is a hash of everything that its content depends on: the texts, the tokenizer and
the longest input. So nothing has to be invalidated when data or model change, and two runs with
the same texts and tokenizer use the same entry. A damaged entry is treated as missing.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness.system.atomic import whole_file
from glueharness.system.user_folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from transformers import PreTrainedTokenizerBase

_FORM = "1"
_DIGEST_BYTES = 32
_SUFFIX = ".tokens"


class TokenCache:
    """Arrays by key, in a folder whose size is bounded.

    Args:
        folder: Where the entries are; it need not exist. None: the user's cache.
        limit: Bytes that all entries together may take; the least recently used are deleted first.
    """

    def __init__(self, folder: Path | None = None, limit: int = 2**30) -> None:
        self.folder = (cache_folder() if folder is None else folder) / "tokens"
        self.limit = limit

    def get(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """An entry's arrays; None if there is no such entry, or it is damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        path = self._path(key)
        try:
            content = path.read_bytes()
            digest, arrays = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
            if hashlib.blake2b(arrays, digest_size=_DIGEST_BYTES).digest() != digest:
                return None
            os.utime(path)
            found: dict[str, npt.NDArray[Any]] = load(arrays)
        except (OSError, SafetensorError):
            return None
        return found

    def put(self, key: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Keep arrays under a key; if they cannot be written, they are silently not kept."""
        from safetensors.numpy import save

        content = save(arrays)
        digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
        if len(content) > self.limit:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path(key)) as aside, aside.open("wb") as stream:
                stream.write(digest)
                stream.write(content)
            self._make_room()
        except OSError:
            return

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _make_room(self) -> None:
        """Delete the longest unused entries until the rest is within the limit."""
        entries = [(path.stat(), path) for path in self.folder.glob(f"*{_SUFFIX}")]
        total = sum(facts.st_size for facts, _ in entries)
        for facts, path in sorted(entries, key=lambda entry: entry[0].st_mtime_ns):
            if total <= self.limit:
                break
            path.unlink(missing_ok=True)
            total -= facts.st_size


def key_of(
    tokenizer: PreTrainedTokenizerBase, max_length: int, texts: Sequence[Sequence[str]]
) -> str:
    """A hash of everything that a tokenized split depends on; empty if that is not known.

    Args:
        tokenizer: The tokenizer. One that is written in Python has no serialized form and may do
            anything, so its output is not kept.
        max_length: Longest input, in tokens.
        texts: The columns, each of all rows.
    """
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return ""
    import tokenizers

    # Both are set before each use, and would make the same tokenizer look different.
    backend.no_padding()
    backend.no_truncation()
    facts = (
        _FORM,
        tokenizers.__version__,
        type(tokenizer).__name__,
        tokenizer.truncation_side,
        ",".join(tokenizer.model_input_names),
        str(max_length),
        str(len(texts)),
        backend.to_str(),
    )
    found = hashlib.blake2b(digest_size=20)
    hash_texts(found, facts, texts)
    return found.hexdigest()


def hash_texts(
    found: hashlib.blake2b, facts: Sequence[str], texts: Sequence[Sequence[str]]
) -> None:
    """Add facts, and columns of texts, to a hash."""
    for fact in facts:
        _add(found, fact)
    for column in texts:
        # The lengths say where each text ends, whatever it contains.
        lengths = np.fromiter(map(len, column), np.int64, len(column))
        _add(found, lengths.astype("<i8").tobytes())
        _add(found, "".join(column))


def _add(found: hashlib.blake2b, fact: str | bytes) -> None:
    content = fact.encode("utf-8", "surrogatepass") if isinstance(fact, str) else fact
    found.update(len(content).to_bytes(8, "little"))
    found.update(content)
