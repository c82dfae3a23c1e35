"""`submit` as a Python function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.api.session import registry
from glueharness.api.tables import html_table, text_table
from glueharness.cli.app import runs_dir as folder_of_runs
from glueharness.cli.options import consents_among
from glueharness.cli.submit import FILE_COLUMNS, file_row, lines_below
from glueharness.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.specs import Report
    from glueharness.submission.submit import Submission

_SIMPLE = ("run", "model", "seed", "mix", "data", "offline", "writer")
_PLACES = ("output", "data_dir", "runs_dir", "zip", "check")


class Submitted:
    """A written submission, which a notebook shows as a table.

    Args:
        submission: What was written, from which runs.

    Attributes:
        submission: The same.
    """

    def __init__(self, submission: Submission) -> None:
        self.submission = submission

    @property
    def paths(self) -> Sequence[Path]:
        """What is to be uploaded."""
        return self.submission.main_paths

    @property
    def answer(self) -> str:
        """What the server would answer; empty if the writer cannot say."""
        return self.submission.answer

    def document(self) -> dict[str, Any]:
        """What ``submit --json`` prints."""
        return self.submission.as_json()

    def __repr__(self) -> str:
        """A table of the files, and what is to be known of them."""
        return "\n".join([text_table(FILE_COLUMNS, self._rows()), *lines_below(self.submission)])

    def _repr_html_(self) -> str:
        return html_table(FILE_COLUMNS, self._rows(), *lines_below(self.submission))

    def _rows(self) -> list[list[str]]:
        return [file_row(file) for file in self.submission.files]


def submit(*tasks: str, **options: Any) -> Submitted | Report:
    """Write the submission of tasks with their best runs, or check one that is there.

    It is ``glueharness submit``.

    Args:
        tasks: Tasks, or a group of tasks such as ``"glue"``.
        options: The command's options by name: ``output`` (a folder; ``"out"``), ``run``,
            ``model``, ``seed``, ``mix``, ``zip``, ``data``, ``data_dir``, ``offline``, ``writer``,
            ``runs_dir``; and ``check``, a file, folder or archive that is only looked at.

    Returns:
        What was written; with ``check`` the report, whose ``answer`` is what the server would say.

    Raises:
        GlueharnessError: There is nothing to submit, or it would not be accepted.
    """
    from glueharness.submission.check import check_submission
    from glueharness.submission.plan import SubmitOptions
    from glueharness.submission.submit import submit as write

    given = {name: value for name, value in options.items() if value is not None}
    consents = {name: given.pop(name) for name in consents_among(registry()) if name in given}
    known = (*_SIMPLE, *_PLACES)
    for name in given:
        if name not in known:
            raise ConfigError(
                f"submit() has no option {name!r}{did_you_mean(name, known)}",
                remedy=f"Its options: {', '.join(known)}.",
            )
    paths = {name: Path(given[name]) for name in ("output", "data_dir", "check") if name in given}
    if "check" in paths:
        writer = str(given.get("writer", ""))
        return check_submission(paths["check"], registry(), names=tasks, writer=writer)
    if not tasks:
        raise ConfigError("submit() needs a task", remedy='For instance: submit("qnli")')
    wanted = SubmitOptions(
        targets=tasks,
        output=paths.get("output", Path("out")),
        runs_dir=folder_of_runs(Path(given["runs_dir"]) if "runs_dir" in given else None),
        data_dir=paths.get("data_dir"),
        archive=bool(given.get("zip")),
        consents=consents,
        **{name: given[name] for name in _SIMPLE if name in given},
    )
    return Submitted(write(wanted, registry(), _tell))


def _tell(line: str) -> None:
    from glueharness.cli.output import stderr

    stderr().print(line, markup=False, highlight=False, soft_wrap=True)
