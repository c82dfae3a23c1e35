"""`glueharness runs tag`, `note`, `archive`, `restore`, `rm`, `export` and `import`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glueharness.cli import complete
from glueharness.cli.app import json_option, runs_dir_option
from glueharness.cli.app import runs_dir as find_runs_dir
from glueharness.cli.output import print_json, stderr, stdout
from glueharness.cli.runs_sync import sync
from glueharness.errors import ConfigError, RunFolderError
from glueharness.record.managing import annotate, remove_run
from glueharness.record.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueharness.record.annotations import Annotations
    from glueharness.record.archive_import import Imported
    from glueharness.record.record import RunRecord

_one = click.argument("run", shell_complete=complete.runs)
_several = click.argument(
    "runs", nargs=-1, required=True, metavar="RUN...", shell_complete=complete.runs
)


@click.command()
@_one
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@click.option("--remove", is_flag=True, help="Remove these tags instead of adding them.")
@runs_dir_option
def tag(run: str, tags: tuple[str, ...], runs_dir: Path | None, *, remove: bool) -> None:
    """Give RUN tags; without any, print those that it has.

    Tags are no part of what was computed. `glueharness runs --where tag=good` finds them.
    """
    store = RunStore(find_runs_dir(runs_dir))
    record = store.find(run)

    def change(before: Annotations) -> Annotations:
        if missing := {*tags} - {*before.tags} if remove else None:
            raise ConfigError(f"{record.id} has no tag {min(missing)!r}")
        now = {*before.tags} - {*tags} if remove else {*before.tags, *tags}
        return before.with_tags(now)

    said = annotate(store, record, change) if tags else store.annotations(record)
    _print(f"{record.id}: {', '.join(said.tags) or 'no tags'}")


@click.command()
@_one
@click.argument("text", required=False)
@runs_dir_option
def note(run: str, text: str | None, runs_dir: Path | None) -> None:
    """Write a note on RUN, in the place of an earlier one ('' removes it), or print it."""
    store = RunStore(find_runs_dir(runs_dir))
    record = store.find(run)
    if text is None:
        _print(store.annotations(record).note or f"{record.id}: no note")
        return
    annotate(store, record, lambda before: before.with_note(text))
    _print(f"{record.id}: {'noted' if text else 'note removed'}")


@click.command()
@_several
@runs_dir_option
def archive(runs: tuple[str, ...], runs_dir: Path | None) -> None:
    """Leave runs out of leaderboards and submissions; nothing is deleted."""
    _set_archived(runs, runs_dir, archived=True)


@click.command()
@_several
@runs_dir_option
def restore(runs: tuple[str, ...], runs_dir: Path | None) -> None:
    """Take archived runs back into leaderboards and submissions."""
    _set_archived(runs, runs_dir, archived=False)


def _set_archived(names: Iterable[str], given: Path | None, *, archived: bool) -> None:
    store = RunStore(find_runs_dir(given))
    for record in _found(store, names):
        annotate(store, record, lambda before: dataclasses.replace(before, archived=archived))
        _print(f"{record.id}: {'archived' if archived else 'restored'}")


@click.command()
@_several
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@runs_dir_option
def rm(runs: tuple[str, ...], runs_dir: Path | None, *, yes: bool) -> None:
    """Delete the folders of runs, after asking. Runs in use stay; links are not followed."""
    store = RunStore(find_runs_dir(runs_dir))
    records = _found(store, runs)
    if not yes:
        for record in records:
            stderr().print(f"  {store.path(record)}", soft_wrap=True)
        what = "this run" if len(records) == 1 else f"these {len(records)} runs"
        if not click.confirm(f"Delete {what}, with models and predictions?", err=True):
            stderr().print("nothing was deleted")
            return
    problems: list[RunFolderError] = []
    for record in records:
        try:
            remove_run(store, record)
        except RunFolderError as error:  # the others can go all the same
            problems.append(error)
        else:
            _print(f"{record.id}: deleted")
    for problem in problems[:-1]:
        stderr().print(f"error: {problem}", soft_wrap=True)
    if problems:
        raise problems[-1]


@click.command()
@_several
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="The archive: a tar file, written whole or not at all.",
)  # fmt: skip
@runs_dir_option
@json_option
def export(runs: tuple[str, ...], output: Path, runs_dir: Path | None, *, as_json: bool) -> None:
    """Write runs to one file, each of their files sealed by its SHA-256.

    Record, predictions, model, tags and note go in; checkpoints do not.
    """
    from glueharness.record.archive import export_runs

    store = RunStore(find_runs_dir(runs_dir))
    done = export_runs(store, _found(store, runs), output)
    if as_json:
        print_json({"archive": str(output), **dataclasses.asdict(done)})
        return
    count = f"{len(done.runs)} run{'s' if len(done.runs) > 1 else ''}"
    _print(f"{output}: {count}, {done.bytes / 1e6:,.1f} MB\nseal  {done.seal}")


@click.command(name="import")
@click.argument(
    "archives", nargs=-1, required=True, metavar="ARCHIVE...",
    type=click.Path(dir_okay=False, path_type=Path),
)  # fmt: skip
@runs_dir_option
@json_option
def import_(archives: tuple[Path, ...], runs_dir: Path | None, *, as_json: bool) -> None:
    """Take the runs of archives into the folder of runs, if every seal holds.

    Imported runs are marked as such: their numbers are what the archive says. Compare the seal
    with the one that `export` printed. What is there already stays as it is.
    """
    from glueharness.record.archive_import import import_runs

    store = RunStore(find_runs_dir(runs_dir))
    found = {}
    try:
        for path in archives:  # what is imported stays so, whatever the next one holds
            done = found[str(path)] = import_runs(store, path)
            if not as_json:
                _print_imported(path, done)
    finally:
        if as_json and found:
            print_json({path: dataclasses.asdict(done) for path, done in found.items()})


def _print_imported(path: Path, done: Imported) -> None:
    for name in done.added:
        _print(f"{name}: imported")
    for name, there in done.known.items():
        called = f", called {there}" if there != name else ""
        _print(f"{name}: there already{called}")
    _print(f"{path}: seal {done.seal}")


def _found(store: RunStore, names: Iterable[str]) -> list[RunRecord]:
    """The runs of these names, each once; all are looked up before anything is done."""
    return list({record.id: record for record in map(store.find, names)}.values())


def _print(text: str) -> None:
    stdout().print(text, markup=False, highlight=False, soft_wrap=True)


COMMANDS = (tag, note, archive, restore, rm, export, import_, sync)
