"""Forms that a result can be written in, and how a file's suffix asks for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from glueharness.errors import ConfigError, GlueharnessError
from glueharness.system.user_files import write_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from glueharness_leaderboard.tables.sheet import Sheet

Format = Literal["rich", "markdown", "csv", "tsv", "json", "latex", "html"]
FORMATS: tuple[str, ...] = get_args(Format)

_BY_SUFFIX: dict[str, Format] = {
    ".txt": "rich",
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
}
_FILE_WIDTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command found, ready for every form.

    Attributes:
        sheets: Tables for readers.
        legends: What the signs in them mean.
        flat: Makes the rows of CSV and TSV.
        document: Makes all of it, JSON-able.
        show: Prints it on a terminal; None for the sheets and legends.
    """

    sheets: Sequence[Sheet]
    legends: Sequence[str]
    flat: Callable[[], Sequence[Mapping[str, Any]]]
    document: Callable[[], Mapping[str, Any]]
    show: Callable[[Console], None] | None = None

    def print_on(self, console: Console) -> None:
        """Print it on a terminal."""
        if self.show is not None:
            self.show(console)
            return
        from glueharness_leaderboard.tables.terminal import print_sheets

        print_sheets(self.sheets, self.legends, console)


def format_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options ``--format`` and ``--output`` of a command."""
    command = click.option(
        "-o", "--output", type=PathType(),
        help="Write to a file, whole or not at all, in the form of its suffix.",
    )(command)  # fmt: skip
    return click.option(
        "--format", type=click.Choice(FORMATS),
        help="How to write the result [default: rich, or after the output's suffix].",
    )(command)  # fmt: skip


class PathType(click.Path):
    """A file to write."""

    def __init__(self) -> None:
        from pathlib import Path

        super().__init__(dir_okay=False, path_type=Path)


def chosen_format(given: str | None, output: Path | None, *, as_json: bool = False) -> Format:
    """The form that was asked for, by option or by suffix.

    Raises:
        ConfigError: The suffix stands for no form.
    """
    if as_json:
        return "json"
    if given is not None:
        return next(form for form in get_args(Format) if form == given)
    if output is None:
        return "rich"
    form = _BY_SUFFIX.get(output.suffix.lower())
    if form is None and output.exists() and not output.is_file():
        return "rich"  # a pipe or a device has no suffix to go by
    if form is None:
        known = ", ".join(_BY_SUFFIX)
        raise ConfigError(
            f"the suffix {output.suffix!r} stands for no form"
            if output.suffix
            else "the name has no suffix that says which form is meant",
            where=str(output),
            remedy=f"Use one of {known}, or say the form: --format {'|'.join(FORMATS)}",
        )
    return form


def text_of(result: Result, form: Format) -> str:
    """The result as text."""
    if form == "json":
        from glueharness.cli.output import json_text

        return json_text(result.document())
    if form in {"csv", "tsv"}:
        from glueharness_leaderboard.tables.export import write_csv

        return write_csv(result.flat(), "," if form == "csv" else "\t")
    if form == "rich":
        import io

        from glueharness.cli.output import make_console

        stream = io.StringIO()
        result.print_on(make_console(file=stream, width=_FILE_WIDTH, color_system=None))
        return stream.getvalue()
    from glueharness_leaderboard.tables import markup

    write = {"markdown": markup.markdown, "latex": markup.latex, "html": markup.html}[form]
    return write(result.sheets, result.legends)


def deliver(result: Result, form: Format, output: Path | None) -> None:
    """Print a result, or write it to a file.

    Raises:
        GlueharnessError: The file cannot be written; an older one is as it was.
    """
    from glueharness.cli.output import stderr, stdout

    if output is None and form == "rich":
        result.print_on(stdout())
        return
    text = text_of(result, form)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_named(output, text)
    except OSError as error:
        raise GlueharnessError(
            f"the result cannot be written: {error.strerror or error}",
            where=str(output),
            remedy="Choose a file in a folder that exists and is yours to write: --output FILE",
        ) from error
    stderr().print(f"wrote {output}", soft_wrap=True)
