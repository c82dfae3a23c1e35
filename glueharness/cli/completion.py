"""``glueharness completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(name="completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash   eval "$(glueharness completion bash)"     in ~/.bashrc
    zsh    eval "$(glueharness completion zsh)"      in ~/.zshrc
    fish   glueharness completion fish > ~/.config/fish/completions/glueharness.fish
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows the three shells
    click.echo(kind(cli, {}, "glueharness", "_GLUEHARNESS_COMPLETE").source())
