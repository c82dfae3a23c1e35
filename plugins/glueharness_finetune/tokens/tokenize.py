"""From texts to tokens, in the same way for training, evaluation and prediction.

Shapes: n = rows, t = tokens of all rows together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import ModelError
from glueharness_finetune.tokens.cache import key_of
from glueharness_finetune.tokens.long_pairs import shorten_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from transformers import PreTrainedTokenizerBase

    from glueharness import Split
    from glueharness_finetune.tokens.cache import TokenCache

_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of a split, row after row without padding.

    Attributes:
        ids: Token ids, int32 ``[t]``.
        types: Token types, int8 ``[t]``: 0 the first text, 1 the second; None if the model has
            no such input.
        offsets: Row i has the tokens ``offsets[i]`` to ``offsets[i + 1]``, int64 ``[n + 1]``.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8] | None
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Number of tokens of each row, ``[n]``."""
        return np.diff(self.offsets)


class Encoder:
    """Encodes all columns of a task, in the task's order.

    Args:
        tokenizer: The model's tokenizer.
        columns: One or two text columns; two are encoded as a pair.
        max_length: Longest input, in tokens.
        cache: Where encoded splits are kept; None: nowhere.
        known: Tokens that the model has an embedding for: the ids below that; None: all.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        columns: Sequence[str],
        max_length: int,
        cache: TokenCache | None = None,
        known: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.columns = tuple(columns)
        self.max_length = max_length
        self.cache = cache
        self.known = known
        self.typed = "token_type_ids" in tokenizer.model_input_names

    def encode(self, split: Split, advance: Callable[[int], None] | None = None) -> Encoded:
        """Encode every row, or find the tokens in the cache.

        Args:
            split: Rows with the task's columns.
            advance: Called with the number of rows that are done.

        Raises:
            ModelError: A text holds a token that the model has no embedding for.
        """
        encoded = self._found_or_made(split, advance)
        if self.known is not None and encoded.ids.max(initial=0) >= self.known:
            place = int(np.argmax(encoded.ids >= self.known))
            row = int(np.searchsorted(encoded.offsets, place, side="right"))
            token = self.tokenizer.convert_ids_to_tokens(int(encoded.ids[place]))
            raise ModelError(
                f"row {row} holds {token!r}, which is a token of its own to the tokenizer, and the "
                f"model's embedding has only {self.known} rows",
                where=str(self.tokenizer.name_or_path),
            )
        return encoded

    def _found_or_made(self, split: Split, advance: Callable[[int], None] | None) -> Encoded:
        """Tokens from the cache, or made and put there."""
        texts = [list(split[column]) for column in self.columns]
        key = "" if self.cache is None else key_of(self.tokenizer, self.max_length, texts)
        found = self.cache.get(key) if self.cache is not None and key else None
        if found is not None:
            if advance is not None:
                advance(len(split))
            return Encoded(found["ids"], found.get("types"), found["offsets"])
        encoded = self._encode(texts, advance)
        if self.cache is not None and key:
            kept = {"ids": encoded.ids, "types": encoded.types, "offsets": encoded.offsets}
            self.cache.put(key, {name: value for name, value in kept.items() if value is not None})
        return encoded

    def _encode(self, texts: list[list[str]], advance: Callable[[int], None] | None) -> Encoded:
        count, parts = len(texts[0]), []
        for start in range(0, count, _ROWS_AT_ONCE):
            parts.append(self._rows([column[start : start + _ROWS_AT_ONCE] for column in texts]))
            if advance is not None:
                advance(min(start + _ROWS_AT_ONCE, count))
        return _join(parts, typed=self.typed)

    def _rows(self, texts: Sequence[Sequence[str]]) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids and types of some rows."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return self._rows_in_python(texts)
        if len(texts) == 2 and self.tokenizer.truncation_side == "right":
            texts = shorten_pairs(backend, texts[0], texts[1], self.max_length)
        backend.no_padding()
        backend.enable_truncation(
            self.max_length,
            strategy="longest_first",
            direction=self.tokenizer.truncation_side,
        )
        rows = texts[0] if len(texts) == 1 else list(zip(*texts, strict=True))
        found = backend.encode_batch_fast(rows, add_special_tokens=True)
        ids = [row.ids for row in found]
        return ids, [row.type_ids for row in found] if self.typed else []

    def _rows_in_python(
        self, texts: Sequence[Sequence[str]]
    ) -> tuple[list[list[int]], list[list[int]]]:
        found: Any = self.tokenizer(
            *texts,
            truncation="longest_first",
            max_length=self.max_length,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=self.typed,
        )
        return found["input_ids"], found["token_type_ids"] if self.typed else []


def _join(parts: list[tuple[list[list[int]], list[list[int]]]], *, typed: bool) -> Encoded:
    lengths = [len(row) for ids, _ in parts for row in ids]
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    total = int(offsets[-1])
    every_id = chain.from_iterable(row for rows, _ in parts for row in rows)
    ids = np.fromiter(every_id, np.int32, total)
    if not typed:
        return Encoded(ids, None, offsets)
    every_type = chain.from_iterable(row for _, rows in parts for row in rows)
    return Encoded(ids, np.fromiter(every_type, np.int8, total), offsets)


def padding_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The id that fills rows up.

    Raises:
        ModelError: The tokenizer has none.
    """
    found = tokenizer.pad_token_id
    if not isinstance(found, int):
        raise ModelError(
            "the checkpoint's tokenizer has no padding token",
            where=str(tokenizer.name_or_path),
            remedy="Fine-tuning is for encoders (BERT, RoBERTa, ELECTRA, …); this looks like "
            "another kind of model.",
        )
    return found
