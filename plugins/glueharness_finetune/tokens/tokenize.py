"""From texts to tokens, in the same way for training, evaluation and prediction.

Shapes: n = rows, c = choices a row (1 if a task has none), t = tokens of all rows together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import ModelError, Table
from glueharness_finetune.tokens.cache import key_of
from glueharness_finetune.tokens.long_pairs import shorten_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from transformers import PreTrainedTokenizerBase

    from glueharness import Split
    from glueharness_finetune.tokens.cache import TokenCache

_ROWS_AT_ONCE = 2000
_ROWS_TIMED = 256


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of a split, row after row without padding.

    A row of multiple choice is a sequence of tokens for each choice, one after the other; any other
    row is one sequence.

    Attributes:
        ids: Token ids, int32 ``[t]``.
        types: Token types, int8 ``[t]``: 0 the first text, 1 the second; None if the model has
            no such input.
        offsets: Sequence i has the tokens ``offsets[i]`` to ``offsets[i + 1]``, int64
            ``[n * c + 1]``.
        choices: Sequences a row: c.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8] | None
    offsets: npt.NDArray[np.int64]
    choices: int = 1

    def __len__(self) -> int:
        """Number of rows."""
        return (len(self.offsets) - 1) // self.choices

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Number of tokens of each sequence, ``[n * c]``."""
        return np.diff(self.offsets)

    @property
    def longest(self) -> npt.NDArray[np.int64]:
        """Number of tokens of each row's longest sequence, ``[n]``."""
        found: npt.NDArray[np.int64] = self.lengths.reshape(-1, self.choices).max(axis=1)
        return found

    def sequences(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The sequences of some rows ``[b]``, one row's after the other: ``[b * c]``."""
        if self.choices == 1:
            return rows
        return (rows[:, None] * self.choices + np.arange(self.choices)).ravel()


@dataclass(frozen=True, slots=True)
class Texts:
    """Which texts of a row become which sequences.

    Attributes:
        context: One or two text columns; two are encoded as a pair.
        choices: Columns of which each makes a sequence of its own, a pair of the context and the
            choice; of two columns of context the second begins the choice's text, as SWAG's
            sentences do. Empty: the context alone is the one sequence.
    """

    context: tuple[str, ...]
    choices: tuple[str, ...] = ()

    @property
    def parts(self) -> int:
        """Texts of a sequence: one, or two for a pair."""
        return 2 if self.choices else len(self.context)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return (*self.context, *self.choices)

    def of(self, split: Split) -> list[list[str]]:
        """The first texts of all sequences, and for pairs the second ones."""
        if not self.choices:
            return [list(split[column]) for column in self.context]
        contexts = [[text for text in split[name] for _ in self.choices] for name in self.context]
        rows = zip(*(split[name] for name in self.choices), strict=True)
        second = [text for texts in rows for text in texts]
        if len(contexts) > 1:
            second = [f"{begun} {text}" for begun, text in zip(contexts[1], second, strict=True)]
        return [contexts[0], second]


class Encoder:
    """Encodes all columns of a task, in the task's order.

    Args:
        tokenizer: The model's tokenizer.
        texts: Which columns become which sequences.
        max_length: Longest input, in tokens.
        cache: Where encoded splits are kept; None: nowhere.
        known: Tokens that the model has an embedding for: the ids below that; None: all.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        texts: Texts,
        max_length: int,
        cache: TokenCache | None = None,
        known: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.texts = texts
        self.max_length = max_length
        self.cache = cache
        self.known = known
        self.typed = "token_type_ids" in tokenizer.model_input_names
        self._tokenizing = 0.0

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
            row = int(np.searchsorted(encoded.offsets, place, side="right") - 1) // encoded.choices
            token = self.tokenizer.convert_ids_to_tokens(int(encoded.ids[place]))
            raise ModelError(
                f"row {row + 1} holds {token!r}, which is a token of its own to the tokenizer, and "
                f"the model's embedding has only {self.known} rows",
                where=str(self.tokenizer.name_or_path),
            )
        return encoded

    def pace(self, split: Split) -> tuple[int, float]:
        """Rows that were tokenized of the split that was encoded last, and the seconds it took.

        If its tokens were in the cache, some of its rows are tokenized again for that.
        """
        if self._tokenizing:
            return len(split), self._tokenizing
        some = range(0, len(split), max(1, len(split) // _ROWS_TIMED))
        columns = {name: split[name] for name in self.texts.columns}
        rows = Table({name: [texts[row] for row in some] for name, texts in columns.items()})
        began = time.perf_counter()
        self._encode(self.texts.of(rows), 1, None)
        return len(some), time.perf_counter() - began

    def _found_or_made(self, split: Split, advance: Callable[[int], None] | None) -> Encoded:
        """Tokens from the cache, or made and put there."""
        texts = self.texts.of(split)
        choices = max(1, len(self.texts.choices))
        key = "" if self.cache is None else key_of(self.tokenizer, self.max_length, texts)
        found = self.cache.get(key) if self.cache is not None and key else None
        if found is not None:
            self._tokenizing = 0.0
            if advance is not None:
                advance(len(split))
            return Encoded(found["ids"], found.get("types"), found["offsets"], choices)
        began = time.perf_counter()
        encoded = replace(self._encode(texts, choices, advance), choices=choices)
        self._tokenizing = time.perf_counter() - began
        if self.cache is not None and key:
            kept = {"ids": encoded.ids, "types": encoded.types, "offsets": encoded.offsets}
            self.cache.put(key, {name: value for name, value in kept.items() if value is not None})
        return encoded

    def _encode(
        self, texts: list[list[str]], choices: int, advance: Callable[[int], None] | None
    ) -> Encoded:
        count, parts = len(texts[0]), []
        for start in range(0, count, _ROWS_AT_ONCE):
            parts.append(self._rows([column[start : start + _ROWS_AT_ONCE] for column in texts]))
            if advance is not None:
                advance(min(start + _ROWS_AT_ONCE, count) // choices)
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
