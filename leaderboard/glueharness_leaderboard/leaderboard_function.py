"""The leaderboard as a Python function, for notebooks: ``glueharness.leaderboard("qnli")``."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from glueharness.cli.app import runs_store
from glueharness.errors import ConfigError
from glueharness_leaderboard.leaderboard_command import ALL, Wishes, ranked, result_of
from glueharness_leaderboard.ranking.sections import By
from glueharness_leaderboard.tables.formats import chosen_format, deliver, text_of
from glueharness_leaderboard.tables.markup import html_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness_leaderboard.tables.formats import Result

_OPTIONS = (
    "all_statuses",
    "simultaneous",
    "published",
    "where",
    "sort",
    "top",
    "columns",
    "output",
)


class Leaderboard:
    """A finished leaderboard, which a notebook shows as tables.

    Args:
        result: What was found.
        nothing: What to say where there is no run to rank.
    """

    def __init__(self, result: Result, nothing: str) -> None:
        self._result, self._nothing = result, nothing

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows of ``leaderboard --format csv``, for instance for ``pandas.DataFrame``."""
        return self._result.flat()

    def document(self) -> Mapping[str, Any]:
        """What ``leaderboard --json`` prints."""
        return self._result.document()

    def __repr__(self) -> str:
        """The tables as text."""
        tables = text_of(self._result, "rich") if self._result.sheets else ""
        return "\n".join(part for part in (self._nothing, tables.strip("\n")) if part)

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._nothing.splitlines())
        return lines + html_parts(self._result.sheets, self._result.legends)


def leaderboard(
    registry: Registry, task: str = ALL, *, by: By = "model",
    runs_dir: str | Path | Sequence[str | Path] | None = None, **options: Any,
) -> Leaderboard:  # fmt: skip
    """Rank the runs of a task or group, or of all tasks.

    Args:
        registry: What the plugins offer.
        task: Task or group; ``"all"`` for every task that has runs.
        by: What a row is: ``"model"`` or ``"run"``.
        runs_dir: Folder of the runs, or several; by default ``GLUEHARNESS_RUNS``, or ``runs``.
        options: The command's other options: ``all_statuses``, ``simultaneous``, ``published``,
            ``where`` (one condition or several), ``sort``, ``top``, ``columns`` (names) and
            ``output``, a file that is written besides.

    Raises:
        ConfigError: There is no such option.
        UnknownNameError: There is no such task or group.
    """
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown or by not in get_args(By):
        raise ConfigError(
            f"leaderboard() has no option {unknown[0]!r}" if unknown else f"by={by!r} is no row",
            remedy=f'Its options: by ("model" or "run"), runs_dir, {", ".join(_OPTIONS)}.',
        )
    output = Path(options["output"]) if options.get("output") else None
    folders = [runs_dir] if isinstance(runs_dir, str | Path) else runs_dir or ()
    wishes = Wishes(
        task=task, by=by, format=chosen_format(None, output), output=output,
        store=runs_store([Path(each) for each in folders]),
        all_statuses=bool(options.get("all_statuses")),
        simultaneous=bool(options.get("simultaneous")),
        published=bool(options.get("published")),
        where=_several(options.get("where")), columns=_several(options.get("columns")),
        sort=str(options.get("sort") or ""), top=int(options.get("top") or 0),
    )  # fmt: skip
    answer, nothing = ranked(wishes, registry)
    result = result_of(answer, wishes)
    if output is not None:
        deliver(result, wishes.format, output)
    return Leaderboard(result, nothing)


def _several(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """One text, or several, or none."""
    return (given,) if isinstance(given, str) else tuple(given or ())
