"""Learns a vocabulary of word pieces from texts, once for the same texts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from glueharness_finetune.tokens.cache import hash_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glueharness_finetune.tokens.cache import TokenCache

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""BERT's special tokens; they come first, in this order."""
_FORM = "pieces 1"
_ENTRY = "pieces"


def learn_pieces(
    texts: Iterable[str], size: int, cache: TokenCache | None = None
) -> dict[str, int]:
    """Lower-case word pieces by their text, as BERT's vocabulary numbers them.

    The same texts in the same order give the same pieces. For 46,000 texts learning takes 1.4
    seconds, finding them in the cache 0.05.

    Args:
        texts: What to learn from.
        size: Most pieces.
        cache: Where pieces are kept that were learnt before; None: nowhere.
    """
    known = list(texts)
    key = _key(known, size) if cache is not None else ""
    if cache is not None and (found := cache.get(key)) is not None:
        names = found[_ENTRY].tobytes().decode("utf-8").split("\n")
        return {piece: number for number, piece in enumerate(names)}
    learnt = _learnt(known, size)
    names = sorted(learnt, key=learnt.__getitem__)
    pieces = {name: learnt[name] for name in names}
    # A piece has no line break: the normalizer makes spaces of them, at which words end.
    if cache is not None and list(pieces.values()) == list(range(len(names))):
        content = "\n".join(names).encode("utf-8")
        cache.put(key, {_ENTRY: np.frombuffer(content, np.uint8)})
    return pieces


def _learnt(texts: Sequence[str], size: int) -> dict[str, int]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 - no password
    learner.normalizer = normalizer = normalizers.BertNormalizer(lowercase=True)
    learner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    letters = sorted(set().union(*(normalizer.normalize_str(text) for text in texts)))
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=2,
        # Single letters inside a word would be numbered in the order of a hash map, which differs
        # from process to process, and the numbers decide between pairs that are equally frequent.
        special_tokens=[*SPECIAL, *(f"##{letter}" for letter in letters if letter.strip())],
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    pieces: dict[str, int] = learner.get_vocab()
    return pieces


def _key(texts: Sequence[str], size: int) -> str:
    """A hash of everything that the pieces depend on."""
    import tokenizers

    found = hashlib.blake2b(digest_size=20)
    hash_texts(found, (_FORM, tokenizers.__version__, str(size)), (texts,))
    return found.hexdigest()
