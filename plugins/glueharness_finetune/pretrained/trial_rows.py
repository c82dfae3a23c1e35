"""The rows that a model is tried on, and whether two answers to them are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glueharness import Table
from glueharness_finetune.tokens.batches import collate
from glueharness_finetune.tokens.tokenize import Encoded, Encoder, Texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    import torch
    from transformers import PreTrainedTokenizerBase

    from glueharness_finetune.tokens.batches import Padding

SHORT, LONG = 2, 24
"""Words of the two rows that are tried, of each text of a pair."""
_WORDS = "a few words of plain English, here to be cut into tokens and read as a text would be"
_TOLERANCE = 1e-4
_IDS = 61


def sample_row(
    tokenizer: PreTrainedTokenizerBase, columns: Sequence[str], words: int, max_length: int
) -> Encoded:
    """One row in the form that the tokenizer gives a text or a pair, with ids of its own.

    Args:
        tokenizer: The tokenizer.
        columns: Names of its texts: one, or two for a pair.
        words: Words a column.
        max_length: Most tokens.

    Raises:
        Exception: Whatever the tokenizer raises.
    """
    text = " ".join((_WORDS.split() * (1 + words // len(_WORDS.split())))[:words])
    encoder = Encoder(tokenizer, Texts(tuple(columns)), max_length)
    found = encoder.encode(Table({name: [text] for name in columns}))
    if not len(found.ids):
        raise ValueError("it makes no tokens")
    return other_tokens(found, tokenizer)


def other_tokens(row: Encoded, tokenizer: PreTrainedTokenizerBase) -> Encoded:
    """A row with other ordinary tokens in the places of its own: what it says does not matter."""
    unknown = tokenizer.unk_token_id
    kept = [each for each in tokenizer.all_special_ids if each != unknown]
    pool = np.setdiff1d(np.arange(min(len(tokenizer), 10**4)), tokenizer.all_special_ids)
    if not len(pool):
        return row
    chosen = pool[np.linspace(0, len(pool) - 1, _IDS).astype(np.int64)]
    first = int(row.ids.sum())
    ids = np.where(
        np.isin(row.ids, kept), row.ids, chosen[(first + 7 * np.arange(len(row.ids))) % _IDS]
    )
    return Encoded(ids.astype(np.int32), row.types, row.offsets)


def joined(rows: Sequence[Encoded]) -> Encoded:
    """Rows as one split."""
    offsets = np.concatenate([[0], np.cumsum([len(row.ids) for row in rows])]).astype(np.int64)
    types = [row.types for row in rows if row.types is not None]
    ids = np.concatenate([row.ids for row in rows])
    return Encoded(ids, np.concatenate(types) if types else None, offsets)


def batches_of(rows: Sequence[Encoded], padding: Padding) -> Iterator[dict[str, torch.Tensor]]:
    """Batches of two widths, as training makes them."""
    if padding.same_length:
        for row in rows:
            yield collate(row, np.arange(1), padding)
        return
    split = joined(rows)
    yield collate(split, np.arange(len(rows)), padding)
    yield collate(split, np.arange(1), padding)


def same_scores(found: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> bool:
    """Whether scores are equal but for rounding."""
    largest = float(np.abs(wanted).max(initial=0.0))
    return found.shape == wanted.shape and bool(
        np.abs(found - wanted).max(initial=0.0) <= _TOLERANCE * largest + 1e-7
    )


def in_words(error: BaseException) -> str:
    """What a library's error says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
