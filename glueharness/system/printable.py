"""Makes foreign text harmless to print: from files, checkpoints, records and libraries.

A terminal obeys what it is sent. An escape sequence in a column's name can colour, move or rename
it, and a bidirectional mark in a label can turn the sentence round that names it. Whatever this
program shows of such texts goes through here, once, where it is printed.
"""

from __future__ import annotations

import unicodedata

# Control, format, surrogate, line separator, paragraph separator (Unicode Standard, table 4-4).
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Persian, Hindi and many emoji are misspelt without these two; they only join or part letters.
_JOINERS = frozenset("\u200c\u200d")

_LINES = frozenset("\n\t")


def printable(text: str, *, lines: bool = False) -> str:
    r"""Text with everything that could steer a terminal spelt out: ESC becomes ``\x1b``.

    Bytes of a path that are not in the file system's encoding, which Python keeps as lone
    surrogates, are read as UTF-8 where they are that, and else spelt out as ``\xff``.

    Args:
        text: Any text.
        lines: Whether line feeds and tabs may stay; not so for what must keep to its line.
    """
    if text.isprintable():
        return text
    text = _decoded(text)
    kept = _JOINERS | _LINES if lines else _JOINERS
    return "".join(
        _spelt_out(sign) if sign not in kept and unicodedata.category(sign) in _STEERING else sign
        for sign in text
    )


def _decoded(text: str) -> str:
    """Undecoded bytes as letters, where they are UTF-8 that a C locale did not expect."""
    if not any("\udc80" <= sign <= "\udcff" for sign in text):
        return text
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates of other kinds: spelt out one by one
        return text
    return raw.decode("utf-8", "surrogateescape")


def _spelt_out(sign: str) -> str:
    """As Python spells it in a string."""
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return repr(sign)[1:-1]


def storable_json(text: str) -> str:
    r"""JSON that every decoder reads: bytes of a path that are no letters are spelt out ``\xff``.

    A lone surrogate has no form in UTF-8, and strict decoders refuse its escape, too.

    Args:
        text: JSON as ``json.dumps(..., ensure_ascii=False)`` writes it.
    """
    if text.isascii():
        return text
    text = _decoded(text)
    return "".join(
        _spelt_out(sign).replace("\\", "\\\\") if "\ud800" <= sign <= "\udfff" else sign
        for sign in text
    )
