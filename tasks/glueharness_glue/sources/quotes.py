"""Texts that are wrapped in quotes, as QQP's are in its files and on the hub."""

from __future__ import annotations


def unquoted(text: str) -> str:
    """A text without the quotes it is wrapped in; as it is, if it is not properly wrapped.

    ``'"He said ""no""."'`` becomes ``'He said "no".'``.
    """
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if '"' in inner.replace('""', ""):
        return text
    return inner.replace('""', '"')
