"""Shortens pairs of very long texts before the tokenizer truncates them; the tokens are the same.

A fast tokenizer that truncates also returns every piece that it cut off, and for a pair every
piece of one text combined with every piece of the other: that takes ten seconds and more for two
texts of 16,000 words, and only the first pieces are used. So each long text is tokenized by itself
and cut where enough tokens remain that truncation uses none of those behind. This is not assumed
but checked, and a pair that fails the check is left as it is.

Let ``n`` be the tokens of the whole texts, ``p`` those of the cut ones, and ``m`` the most that an
input may have. "Longest first" truncation removes the same tokens for ``n`` and for ``p`` if each
text is whole or has more than ``m`` tokens left, and if the same text is the longer one: its
arithmetic does not depend on how far a length is above ``m``, except for the odd token, which goes
to the longer text when both are halved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_LETTERS_A_TOKEN = 8
"""A text with more characters than so many times the longest input is looked at."""
_SPARE, _MORE_SPARE = 32, 64
"""Tokens beyond the longest input that the shorter and the longer text keep: a cut in the middle
of a word changes the tokens of that word, and which text is the longer one must not change."""


def shorten_pairs(
    backend: Any, first: Sequence[str], second: Sequence[str], longest: int
) -> tuple[Sequence[str], Sequence[str]]:
    """Pairs that the tokenizer truncates on the right to the same tokens as those given.

    Args:
        backend: A ``tokenizers.Tokenizer``; its truncation is switched off here.
        first: One text of each pair.
        second: The other.
        longest: Longest input in tokens, special ones included.
    """
    many = _LETTERS_A_TOKEN * longest
    rows = [
        row
        for row, pair in enumerate(zip(first, second, strict=True))
        if len(pair[0]) > many and len(pair[1]) > many
    ]
    if not rows:
        return first, second
    backend.no_padding()
    backend.no_truncation()
    shorter = [list(first), list(second)]
    for row in rows:
        shorter[0][row], shorter[1][row] = _shorten(backend, first[row], second[row], longest)
    return shorter[0], shorter[1]


def _shorten(backend: Any, first: str, second: str, longest: int) -> tuple[str, str]:
    whole = [backend.encode(text, add_special_tokens=False) for text in (first, second)]
    lengths = [len(tokens.ids) for tokens in whole]
    first_is_longer = lengths[0] > lengths[1]
    spare = (_MORE_SPARE, _SPARE) if first_is_longer else (_SPARE, _MORE_SPARE)
    cut = [
        text[: tokens.offsets[longest + more][1]] if len(tokens.ids) > longest + more else text
        for text, tokens, more in zip((first, second), whole, spare, strict=True)
    ]
    left = [backend.encode(text, add_special_tokens=False) for text in cut]
    same_order = (len(left[0].ids) > len(left[1].ids)) == first_is_longer
    same_tokens = all(
        few.ids == all_of_it.ids
        or (len(few.ids) > longest and few.ids[:longest] == all_of_it.ids[:longest])
        for few, all_of_it in zip(left, whole, strict=True)
    )
    return (cut[0], cut[1]) if same_order and same_tokens else (first, second)
