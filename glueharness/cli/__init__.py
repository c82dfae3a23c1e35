"""The command line. One command a file, imported when it is called."""

from __future__ import annotations


def main() -> None:
    """Placeholder replaced below."""
