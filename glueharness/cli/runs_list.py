"""What ``glueharness runs`` prints: the runs that were asked for, as a table or as JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli.app import warn_of_index
from glueharness.cli.output import make_table, percent, print_json, stderr, stdout
from glueharness.record.query import Fields, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore

NEWEST = 50
"""Runs that are shown unless another number is asked for: ten thousand take seconds to draw."""

where_option = click.option(
    "--where", "where", multiple=True, metavar="CONDITION",
    help="Only runs of which this is true, for instance 'model=bert-*', 'score>80', "
    "'date>=2026-11-01', tag=paper, or any setting; several times: all of it.",
)  # fmt: skip
columns_option = click.option(
    "--columns", default="", metavar="NAME,...", help="Show these columns, in this order."
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which runs are listed, and how.

    Attributes:
        where: Conditions that all must hold.
        sort: Field to sort by; empty for the start, newest last.
        top: How many are shown, 0 for all; None for the newest of a long list.
        columns: Names of the columns, joined by commas; empty for the usual ones.
        as_json: Whether to print JSON.
    """

    where: Sequence[str] = ()
    sort: str = ""
    top: int | None = None
    columns: str = ""
    as_json: bool = False


def print_runs(store: RunStore, listing: Listing) -> None:
    """Print the runs of a store.

    Raises:
        UnknownNameError: A field is named that there is not.
        ConfigError: A condition is none.
    """
    fields = Fields(store)
    every = store.all()
    records = fields.where(every, listing.where)
    names = [name.strip() for name in listing.columns.split(",") if name.strip()]
    getters = [fields.getter(name) for name in names]
    shown = _shown(records, fields, listing)
    if listing.as_json:
        if names:
            print_json([_values(record, names, getters) for record in shown])
        else:
            print_json([record_json(record, store) for record in shown])
        warn_of_problems(store)
        return
    warn_of_problems(store)
    if not records:
        why = f"No runs in {store.name}. Make one: glueharness run qnli"
        if store.problems:
            why = f"No runs in {store.name} that can be read: see the warnings."
        if every:
            why = f"None of {len(every):,} runs in {store.name} is as you asked."
        stdout().print(why, soft_wrap=True)
        return
    _print_table(store, shown, names, getters)
    left = len(records) - len(shown)
    if left:
        stderr().print(f"{left:,} more runs. All of them: --top 0", soft_wrap=True)


def left_out(store: RunStore, tasks: Collection[str] | None = None) -> str:
    """Behind "no runs": which there are all the same; empty for none.

    Args:
        store: The runs.
        tasks: Only runs of these; None for all.
    """
    archived = sum(
        store.annotations(record).archived
        for record in store.all()
        if tasks is None or record.task in tasks
    )
    damaged = len(store.problems)
    parts = [f"{archived} {'is' if archived == 1 else 'are'} archived"] if archived else []
    parts += [f"{damaged} cannot be read"] if damaged else []
    return f" that count: {', '.join(parts)}" if parts else ""


def _shown(records: list[RunRecord], fields: Fields, listing: Listing) -> list[RunRecord]:
    if listing.sort:
        found = fields.sorted(records, listing.sort)
        return found[: listing.top] if listing.top else found
    top = listing.top if listing.top is not None or listing.as_json else NEWEST
    return records[-top:] if top else records


def _values(
    record: RunRecord, names: Sequence[str], getters: Sequence[Callable[[RunRecord], Any]]
) -> dict[str, Any]:
    return {name: getter(record) for name, getter in zip(names, getters, strict=True)}


def _print_table(
    store: RunStore,
    records: Sequence[RunRecord],
    names: Sequence[str],
    getters: Sequence[Callable[[RunRecord], Any]],
) -> None:
    if names:
        rows = [[text_of(getter(record)) for getter in getters] for record in records]
        stdout().print(make_table("", names, rows))
        return
    rows = [
        [record.id, store.state(record), percent(record.primary), _marks(record, store) or "–"]
        for record in records
    ]
    stdout().print(make_table("", ["run", "status", "points", "marks"], rows))


def _marks(record: RunRecord, store: RunStore) -> str:
    """What sets a run apart, and what users say of it."""
    said = store.annotations(record)
    words = [*record.marks, *(["imported"] if said.imported else [])]
    words += ["archived"] if said.archived else []
    return ", ".join([*words, *(f"#{tag}" for tag in said.tags)])


def record_json(record: RunRecord, store: RunStore) -> dict[str, Any]:
    """The record with what follows from it and its folder: marks, place, whether it is alive."""
    return {
        **dataclasses.asdict(record),
        "status": store.state(record),
        "marks": list(record.marks),
        "annotations": dataclasses.asdict(store.annotations(record)),
        "folder": str(store.path(record)),
    }


def warn_of_problems(store: RunStore) -> None:
    """Say on stderr what could not be read, and what is only a copy."""
    warn_of_index(store)
    for problem in store.problems:
        stderr().print(f"warning: {problem}", markup=False, style="yellow", soft_wrap=True)
    for copy, original in store.copies.items():
        stderr().print(
            f"warning: {copy} is a copy of {original} and is left out",
            markup=False, style="yellow", soft_wrap=True,
        )  # fmt: skip
