"""Puts the model of a completed run on the Hugging Face hub: the command ``push``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import CommandSpec, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def glueharness_commands() -> list[CommandSpec]:
    """The command ``push``."""
    return [
        CommandSpec(
            name="push",
            help="Put the model of a run on the Hugging Face hub, with a model card.",
            factory=_push,
        )
    ]


def _push() -> click.Command:
    from glueharness_push.command import command

    return command
