"""Checkpoints and tokenizers of the usual kind, read and written without PyTorch or transformers.

What is not of that kind raises :class:`NotPlain`, and is read through transformers.
"""

from __future__ import annotations


class NotPlain(Exception):  # noqa: N818 - not an error: transformers reads it
    """Something is not as usual; the message says what, in a few words."""
