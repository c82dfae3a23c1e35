"""``glueharness submit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option, runs_dir, runs_dir_option
from glueharness.cli.options import ConsentsCommand, consents_of
from glueharness.cli.output import make_table, percent, print_json, stderr, stdout

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from glueharness.plugin.registry import Registry
    from glueharness.specs import FileReport, Finding, Report
    from glueharness.submission.submit import Submission, SubmittedFile

_STYLES = {
    "accepted": "green",
    "probably accepted": "yellow",
    "scored wrongly": "yellow",
    "rejected": "red",
}
_VALUES_SHOWN = 3
FILE_COLUMNS = ("file", "rows", "model", "dev points", "marks")
"""Headings of a submission's files."""


def _targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of tasks and of score groups."""
    from click.shell_completion import CompletionItem

    groups = {task.group for task in App.of(ctx).registry.tasks if task.group}
    return [
        *complete.tasks(ctx, param, incomplete),
        *(CompletionItem(name, help="all") for name in groups if name.startswith(incomplete)),
    ]


@click.command(name="submit", cls=ConsentsCommand)
@click.argument("tasks", nargs=-1, metavar="[TASK]...", shell_complete=_targets)
@click.option(
    "--run",
    default="",
    metavar="ID",
    help="Run to submit [default: the best of the task].",
    shell_complete=complete.runs,
)
@click.option("--model", default="", metavar="NAME", help="Take runs of this model only.")
@click.option("--seed", type=int, help="Take runs with this seed only.")
@click.option(
    "--mix", is_flag=True, help="Of a group, take the best run of each task, whatever its model."
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder to write to.",
)
@click.option("--zip", "archive", is_flag=True, help="Pack all of the group's files into one zip.")
@click.option(
    "--data", default="", metavar="NAME", help="Source of the test data [default: the run's].",
    shell_complete=complete.sources,
)  # fmt: skip
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Data folder [default: the run's].",
)
@click.option("--offline", is_flag=True, help="Do not use the network.")
@click.option("--writer", default="", metavar="NAME", help="Writer [default: the task's own].")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write nothing; check this file, folder or zip, whichever program wrote it.",
)
@runs_dir_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    tasks: tuple[str, ...],
    check: Path | None,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Write the submission of TASK with its best run, or check one.

    With a score group, `submit glue` for instance, the files of all its tasks are packed.
    Tasks without a run get a file with a constant prediction, which is named as a filler.

    \b
    glueharness submit qnli                     writes out/QNLI.tsv
    glueharness submit glue                     writes out/submission.zip with all files
    glueharness submit --check submission.zip   says what the server would answer
    """  # noqa: D301 - click's mark against re-wrapping
    registry = App.of(ctx).registry
    if check is not None:
        _check(ctx, check, tasks, writer=options["writer"], as_json=as_json)
        return
    if not tasks:
        raise click.UsageError("Name a task or a score group, or give --check PATH.", ctx)
    consents = consents_of(ctx, options)
    _submit(registry, {**options, "targets": tasks, "consents": consents}, as_json=as_json)


def _submit(registry: Registry, values: dict[str, Any], *, as_json: bool) -> None:
    from rich.text import Text

    from glueharness.submission.plan import SubmitOptions
    from glueharness.submission.submit import submit

    console = stderr()

    def tell(line: str) -> None:
        warning = line.startswith("warning:")
        text = Text(line, style="yellow" if warning else "")
        console.print(text, soft_wrap=True)

    options = SubmitOptions(**{**values, "runs_dir": runs_dir(values["runs_dir"])})
    submission = submit(options, registry, tell)
    if submission.fillers:
        names = ", ".join(file.prediction.file.name for file in submission.fillers)
        tell(f"warning: fillers, not predictions: {names}")
    if as_json:
        print_json(submission.as_json())
    else:
        _show(submission)


def _show(submission: Submission) -> None:
    """Print what was written from which runs."""
    from rich.text import Text

    console = stdout()
    rows = [file_row(file) for file in submission.files]
    console.print(make_table("", FILE_COLUMNS, rows))
    for line in lines_below(submission):
        console.print(Text(line), soft_wrap=True)


def lines_below(submission: Submission) -> list[str]:
    """From which runs it is, what was written, and what the server would say."""
    lines: dict[str, list[str]] = {}
    for file in submission.files:
        if file.choice is None:
            line = f"filler  {{}}: {file.reason}"
        else:
            line = f"run     {file.choice.record.id}: {file.choice.why} ({{}})"
        lines.setdefault(line, []).append(file.prediction.file.name)
    lines.update({f"written {path}": [] for path in submission.main_paths})
    if submission.answer:
        lines[f"checked {submission.answer}"] = []
    lines.update({f"note    {note}": [] for note in submission.notes})
    return [line.replace("{}", ", ".join(names)) for line, names in lines.items()]


def file_row(file: SubmittedFile) -> list[str]:
    """The cells of a file's row."""
    prediction = file.prediction
    cells = [prediction.file.name, f"{len(prediction.values):,}"]
    if file.choice is None:
        return [*cells, "–", "–", "filler"]
    record = file.choice.record
    return [*cells, record.model, percent(record.primary), ", ".join(record.marks) or "–"]


def _check(
    ctx: click.Context, path: Path, names: tuple[str, ...], *, writer: str, as_json: bool
) -> None:
    from glueharness.submission.check import check_submission

    report = check_submission(path, App.of(ctx).registry, names=names, writer=writer)
    if as_json:
        print_json(report.as_json())
    else:
        _show_report(report)
    if not report.clean:
        ctx.exit(1)


def _show_report(report: Report) -> None:
    """Print one line per file, then what is wrong, then the verdict."""
    from rich.text import Text

    console = stdout()
    if report.files:
        rows = [[file.name, _rows(file), file.answer, _values(file)] for file in report.files]
        table = make_table("", ["file", "rows", "the server's answer", "values"], rows)
        console.print(table)
    for finding in report.all_findings:
        console.print(_finding(finding), soft_wrap=True)
    more = report.more + sum(file.more for file in report.files)
    if more:
        console.print(Text(f"… and {more:,} more"), soft_wrap=True)
    for note in report.notes:
        console.print(Text(f"note: {note}"), soft_wrap=True)
    wrong = sum(bool(file.findings) for file in report.files)
    verdict = Text(f"{report.path}: ", end="")
    verdict.append(report.answer, style=f"bold {_STYLES[report.answer]}")
    if wrong and len(report.files) > 1:
        verdict.append(f"; {wrong} of {len(report.files)} files are not as they must be")
    console.print(verdict, soft_wrap=True)


def _rows(file: FileReport) -> str:
    if file.rows is None:
        return "–"
    wrong = file.expected is not None and file.rows != file.expected
    return f"{file.rows:,} of {file.expected:,}" if wrong else f"{file.rows:,}"


def _values(file: FileReport) -> str:
    shown = [f"{value} {count:,}" for value, count in file.values.items() if count]
    return " · ".join(shown[:_VALUES_SHOWN]) + (" …" if len(shown) > _VALUES_SHOWN else "")


def _finding(finding: Finding) -> Any:
    from rich.text import Text

    text = Text(f"{finding.where}: {finding.what}")
    if finding.count > 1:
        listing = ", ".join(map(str, finding.lines)) + (", …" if finding.count > 5 else "")
        text.append(f" ({finding.count:,} lines: {listing})")
    text.append(f" → {finding.answer}", style=_STYLES[finding.answer])
    if finding.remedy:
        text.append(f"\n    {finding.remedy}", style="dim")
    return text
