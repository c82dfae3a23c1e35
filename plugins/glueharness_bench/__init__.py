"""How long a run would take on this machine: the command ``bench``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import CommandSpec, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def glueharness_commands() -> list[CommandSpec]:
    """The command ``bench``."""
    return [
        CommandSpec(
            name="bench",
            help="Estimate how long a run would take here.",
            factory=_bench,
        )
    ]


def _bench() -> click.Command:
    from glueharness_bench.command import command

    return command
