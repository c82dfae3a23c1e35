"""The command ``lengths``: how long are the texts of a task?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import CommandSpec, hookimpl

if TYPE_CHECKING:
    import click

requires_api = "1.0"


def _make() -> click.Command:
    from glueharness_lengths.command import command

    return command


@hookimpl
def glueharness_commands() -> list[CommandSpec]:
    """One command."""
    return [
        CommandSpec(name="lengths", help="Say how long the texts of a task are.", factory=_make)
    ]
