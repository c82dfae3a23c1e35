"""Who is compared: runs by their ids, or models by their names with all their seeds."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, UnknownNameError
from glueharness.record.reproductions import without_reproductions
from glueharness_leaderboard.ranking.conditions import Conditions
from glueharness_leaderboard.ranking.sections import sections_of
from glueharness_leaderboard.ranking.settings import (
    by_configuration,
    configuration,
    differing,
    settings_of_run,
)
from glueharness_leaderboard.ranking.short_paths import full_name
from glueharness_leaderboard.tables.texts import plain, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.ranking.sections import Section

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOST_NAMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One side of a comparison.

    Attributes:
        label: ``"A"``, ``"B"``, … ``"Z"``, ``"AA"``, …
        runs: Its runs, one a seed.
    """

    label: str
    runs: tuple[RunRecord, ...]

    @property
    def model(self) -> str:
        """Name of the model; of a group of runs with several models, the first's."""
        return self.runs[0].model

    @property
    def mixed(self) -> bool:
        """Whether the runs differ in more than their seed."""
        return len(by_configuration(self.runs)) > 1


def find_contestants(words: Sequence[str], store: RunStore, task: str) -> list[Contestant]:
    """Turn the words of the command line into contestants.

    Args:
        words: Each a run (:meth:`RunStore.find` takes its name), several runs joined by commas,
            or a model's name for all its seeds; of a path the last part is enough.
        store: The runs.
        task: Task of the models; empty if their runs are of one task only.

    Raises:
        ConfigError: Fewer than two, one twice, a model with several settings or tasks.
        UnknownNameError: A word is neither a run nor a model with runs.
    """
    if len(words) < 2:
        raise ConfigError(
            f"a comparison takes 2 runs or models or more, not {len(words)}",
            remedy="Write: glueharness compare RUN RUN, or compare MODEL MODEL --task TASK",
        )
    completed = [record for record in store.listed() if record.status == "completed"]
    records = without_reproductions(completed)
    models = {record.model for record in records}
    words = [full_name(word, models) for word in words]
    groups: dict[int, list[RunRecord]] = {
        place: _runs(word, completed, store)
        for place, word in enumerate(words)
        if word not in models
    }
    named = {place: word for place, word in enumerate(words) if word in models}
    for run in (run for runs in groups.values() for run in runs):
        if task and run.task != task:
            raise ConfigError(
                f"{run.id} is a run of {run.task}, and --task names {task}",
                remedy="Name runs of that task, or leave --task out: a run has its task.",
            )
    if named:
        fixed = [run for runs in groups.values() for run in runs]
        section = _common_section(set(named.values()), records, task, fixed)
        names = store.short_names()
        groups |= {place: _seeds_of(word, section, names) for place, word in named.items()}
    found = [
        Contestant(label=_label(place), runs=tuple(groups[place])) for place in range(len(words))
    ]
    _refuse_repeats(found)
    return found


def _label(place: int) -> str:
    """``A`` for 0, ``Z`` for 25, ``AA`` for 26, as a spreadsheet counts."""
    label = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, len(_LETTERS))
        label = _LETTERS[letter] + label
    return label


def _runs(word: str, records: Sequence[RunRecord], store: RunStore) -> list[RunRecord]:
    """The completed runs that a word names."""
    found = []
    for name in word.split(","):
        try:
            record = store.find(name.strip())
        except UnknownNameError as error:
            raise UnknownNameError(error.what, remedy=_known(name, error, records)) from error
        if record.status != "completed":
            raise ConfigError(
                f"run {record.id} did not complete: its status is {record.status}",
                remedy="Only completed runs have predictions to compare.",
            )
        found.append(record)
    return found


def _known(name: str, error: UnknownNameError, records: Sequence[RunRecord]) -> str:
    """What else the user may have meant; all ids of a long list of runs would help nobody."""
    if any(record.id.startswith(name) or record.id.endswith(name) for record in records):
        return error.remedy
    names = sorted({plain(record.model) for record in records})
    shown = (
        names
        if len(names) <= _MOST_NAMES
        else difflib.get_close_matches(name, names, n=_MOST_NAMES, cutoff=0.0)
    )
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    models = f"{', '.join(shown) or 'none'}{more}"
    return f"List the runs: glueharness runs\nModels with completed runs: {models}."


def _common_section(
    models: set[str], records: Sequence[RunRecord], task: str, fixed: Sequence[RunRecord]
) -> Section:
    """The leaderboard's first table in which all the models have runs."""
    task = task or (fixed[0].task if fixed else "")
    of_models = [record for record in records if record.model in models]
    every = {record.task for record in of_models}
    tasks = sorted(
        name
        for name in every
        if models == {record.model for record in of_models if record.task == name}
    )
    if not task and len(tasks) > 1:
        raise ConfigError(
            f"there are runs of {' and '.join(sorted(models))} on several tasks: "
            f"{', '.join(tasks)}",
            remedy=f"Say which: --task {tasks[0]}",
        )
    task = task or (tasks[0] if tasks else "")
    # Conditions first, so that the models' runs share their rows; complete data come first.
    for section in sections_of([record for record in of_models if record.task == task], {}):
        same_rows = not fixed or Conditions.of(fixed[0]).dev == section.conditions.dev
        if same_rows and {row.model for row in section.rows} == models:
            return section
    on = f" of {task}" if task else ""
    raise ConfigError(
        f"there are no runs{on} of {' and '.join(sorted(models))} on the same data",
        remedy=f"See what there is: glueharness leaderboard {task}".rstrip(),
    )


def _seeds_of(model: str, section: Section, names: Mapping[str, str]) -> list[RunRecord]:
    """The runs of a model in a section, one a seed, if they share their settings."""
    runs = [row.runs[0] for row in section.rows if row.model == model]
    groups = by_configuration(runs)
    if len(groups) == 1:
        return groups[0]
    varied = differing(runs)
    listing = "\n".join(f"  {_one_line(group, varied, names)}" for group in groups)
    raise ConfigError(
        f"{model} was run with several settings",
        remedy=f"Name the runs of one, joined by commas:\n{listing}",
    )


def _one_line(group: Sequence[RunRecord], varied: Sequence[str], names: Mapping[str, str]) -> str:
    values = settings_of_run(group[0])
    settings = ", ".join(f"{name} {value_text(values.get(name))}" for name in varied)
    return f"{','.join(names[run.id] for run in group)}  ({settings})"


def _refuse_repeats(contestants: Sequence[Contestant]) -> None:
    seen: dict[str, str] = {}
    for contestant in contestants:
        for run in contestant.runs:
            if run.id in seen:
                raise ConfigError(
                    f"run {run.id} is named twice ({seen[run.id]} and {contestant.label})",
                    remedy="Compare different runs.",
                )
            seen[run.id] = contestant.label


def others_on_the_rows(
    records: Sequence[RunRecord], contestants: Sequence[Contestant]
) -> list[list[RunRecord]]:
    """Runs of the contestants' tables that do not take part, by configuration.

    Where all contestants are runs of one configuration there are none, for then the runs are
    compared and not models.
    """
    tables = {Conditions.of(each.runs[0]) for each in contestants}
    taking_part = {run.id for each in contestants for run in each.runs}
    if len({configuration(run) for each in contestants for run in each.runs}) == 1:
        return []
    by_conditions: dict[Conditions, list[RunRecord]] = {}
    for record in without_reproductions(records):
        if record.status == "completed" and record.id not in taking_part:
            found = Conditions.of(record)
            if found in tables:
                by_conditions.setdefault(found, []).append(record)
    return [runs for group in by_conditions.values() for runs in by_configuration(group)]
