"""A search for good settings: ``run … --search N``. One process asks, any executor runs."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, RunFolderError
from glueharness.run.dispatch import Dispatcher, work_folder
from glueharness.run.elsewhere import LOCAL, stopped_after
from glueharness.run.grid import OPTION, preset_grid, read_space
from glueharness.run.plan import build_plan, first_seed
from glueharness.run.trials import Trials
from glueharness.run.work import key_of
from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.specs import ExecutorContext, SearchRange, SearchSpace
from glueharness.system.locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.elsewhere import Where
    from glueharness.run.grid import Space
    from glueharness.run.outcomes import Outcome
    from glueharness.run.plan import PlannedRun, PlanRequest
    from glueharness.specs import Note, Searcher, Work

    Hear = Callable[[Work, Note], None]

FOLDER = ".search"
"""Where the folder of the runs keeps what searchers know."""
FLAG = "--search"
_SEED = "seed"
MOST = 1000
"""So many settings can be asked for."""
_JOBS_ELSEWHERE = 4
"""Settings at a time on an executor whose number of jobs is not given: more would know less."""
_WANTED = re.compile(r"(?:(?P<name>[^:]+):)?(?P<count>[+-]?\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is to be searched.

    Attributes:
        request: The runs, without the settings that are chosen.
        space: What the user lets be chosen from; empty for what the preset or the model says.
        count: Settings to try in all, those of earlier commands included.
        searcher: Who chooses; empty for the first one that there is.
        where: Where the runs are done.
    """

    request: PlanRequest
    space: Space
    count: int
    searcher: str
    where: Where


def parse_search(text: str) -> tuple[str, int]:
    """The searcher and the number of ``20`` or ``NAME:20``.

    Raises:
        ConfigError: It is neither, or too few or many.
    """
    found = _WANTED.fullmatch(text.strip())
    count = int(found["count"]) if found and len(found["count"]) < 10 else 0
    if found is None or not 1 <= count <= MOST:
        raise ConfigError(
            f"{FLAG} takes how many settings to try, 1 to {MOST}, not {text!r}",
            remedy=f"For instance: {FLAG} 20",
        )
    return found["name"] or "", count


def run_search(
    wanted: SearchRequest,
    registry: Registry,
    hear: Hear = lambda _work, _note: None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Try settings, each chosen by how those before it did; returns what became of every run.

    Args:
        wanted: What to search.
        registry: Where names are looked up.
        hear: Hears every note of a worker.
        tell: Hears in one line what is chosen from, and what is waited for.

    Raises:
        ConfigError: There is nothing to choose from, or no searcher.
        Interrupted: The user stopped it; the same command continues the search.
        GlueharnessError: The executor or the searcher cannot be made.
    """
    wanted, plan = _checked(wanted, registry)
    listing = ", ".join(f"{name} {_in_words(each)}" for name, each in wanted.space.items())
    tell(f"search: {wanted.count} settings of {listing}")
    runs_dir = plan[0].config.options.runs_dir
    jobs = wanted.where.jobs or (1 if wanted.where.name == LOCAL else _JOBS_ELSEWHERE)
    with (
        work_folder(runs_dir) as (folder, token),
        _searcher(wanted, plan, registry, tell) as searcher,
    ):
        context = ExecutorContext(folder=folder, jobs=jobs, argument=wanted.where.argument)
        executor = registry.executor(wanted.where.name, context)
        trials = Trials(searcher, wanted.count, lambda point: _runs_of(wanted, point, registry),
                        registry, hear)  # fmt: skip
        try:
            dispatcher = Dispatcher(executor, folder, token, trials.heard)
            trials.begin(dispatcher, jobs)
            stopped = dispatcher.run()
        finally:
            executor.close()
    if stopped:
        raise stopped_after(trials.complete, wanted.count * len(plan), runs_dir)
    if trials.tried < wanted.count:
        tell(
            f"search: no other settings were found, so that {trials.tried} of {wanted.count} "
            "were tried"
        )
    return trials.outcomes()


def _runs_of(
    wanted: SearchRequest, point: Mapping[str, Any], registry: Registry
) -> tuple[dict[str, Any], list[PlannedRun]]:
    """A point in numbers that can be read, and its runs."""
    readable = dict(point)
    for name, choices in wanted.space.items():
        if isinstance(choices, SearchRange) and isinstance(value := point.get(name), float):
            readable[name] = choices.rounded(value)
    return readable, plan_of(wanted, readable, registry)


def plan_of(
    wanted: SearchRequest, point: Mapping[str, Any], registry: Registry
) -> list[PlannedRun]:
    """The runs of one point, a run a seed.

    Raises:
        ConfigError: Its settings do not go together.
    """
    grid = {name: (value,) for name, value in point.items()}
    request = dataclasses.replace(wanted.request, grid=grid, chosen_by=FLAG)
    return build_plan(request, registry)


def _checked(wanted: SearchRequest, registry: Registry) -> tuple[SearchRequest, list[PlannedRun]]:
    """The request with what is chosen from, and the runs of one point of it.

    Raises:
        ConfigError: Nothing can be chosen, or the search is for several tasks.
    """
    request = wanted.request
    if request.resume or request.rerun:
        flag = "--resume" if request.resume else "--rerun"
        raise ConfigError(
            f"{FLAG} goes on by itself with what it has begun",
            remedy=f"Leave {flag} out.",
        )
    plan = build_plan(dataclasses.replace(request, grid={}, preset=""), registry)
    tasks = {planned.evaluated or planned.config.task for planned in plan}
    if len(tasks) > 1:
        raise ConfigError(
            f"{FLAG} is for one task, and this command names {len(tasks)}: {', '.join(tasks)}",
            remedy="Search for each by itself.",
        )
    space = {**_usual_space(request, plan[0], registry, own=bool(wanted.space)), **wanted.space}
    if not space:
        name = plan[0].config.options.model
        if not settings_of(registry.model(name).spec.settings):
            raise ConfigError(f"{FLAG}: the model {name!r} has no settings to choose")
        raise ConfigError(
            f"{FLAG} has nothing to choose from",
            remedy=f"Say it, by ranges or values: {OPTION} learning_rate=1e-5..1e-4 "
            f"{OPTION} batch_size=16,32",
        )
    space = _of_their_kinds(space, plan[0], registry)
    wanted = dataclasses.replace(wanted, space=space)
    # Both ends are tried out before any run begins: what is out of range is told now.
    for choose in (_first, _last):
        plan = plan_of(wanted, {name: choose(each) for name, each in space.items()}, registry)
    values = {name: each for name, each in space.items() if not isinstance(each, SearchRange)}
    fixed = {name: _first(each) for name, each in space.items()}
    for name, each in values.items():  # one name at a time: a product may have millions
        build_plan(
            dataclasses.replace(
                wanted.request,
                grid={**{other: (value,) for other, value in fixed.items()}, name: each},
                chosen_by=FLAG,
            ),
            registry,
        )
    known = math.prod(
        each.size if isinstance(each, SearchRange) else len(each) for each in space.values()
    )
    if known < wanted.count:
        raise ConfigError(
            f"there are only {known:.0f} settings to choose from, fewer than {wanted.count}",
            remedy=f"Name more, or leave {FLAG} out: {OPTION} tries all values that it names.",
        )
    return wanted, plan


def _usual_space(
    request: PlanRequest, planned: PlannedRun, registry: Registry, *, own: bool
) -> Space:
    """What is chosen from without a word of the user's: the preset's grid, or the model's space.

    What the user gives one value is not chosen.

    Args:
        request: The runs.
        planned: One of them.
        registry: Where names are looked up.
        own: Whether the user says what is chosen from, beside the preset.
    """
    if request.preset:
        preset = registry.presets.get(request.preset)
        return {**preset_grid(preset, request.layers, planned.config.task)}
    if own:
        return {}
    model = registry.model(planned.config.options.model).spec
    given = {name for layer in request.layers for name in layer.values}
    texts = [f"{name}={text}" for name, text in model.search.items() if name not in given]
    return read_space(texts, {})


def _of_their_kinds(space: Space, planned: PlannedRun, registry: Registry) -> Space:
    """The space, where ``0..1`` of a setting that is no whole number means all between them.

    Raises:
        ConfigError: A seed is to be chosen.
    """
    if _SEED in space:
        raise ConfigError(
            f"{FLAG} does not choose the seed: the best one would be luck",
            remedy="Give several, whose mean counts: --seeds 3",
        )
    model = registry.model(planned.config.options.model).spec
    items = [*settings_of(RunOptions), *settings_of(model.settings)]
    kinds = {item.name: item.kind for item in items}
    found = {}
    for name, each in space.items():
        found[name] = each
        if isinstance(each, SearchRange) and kinds.get(name) in {int, float}:
            # 1e1..1e2 of a whole number are whole numbers, as 10..100 are.
            whole = kinds[name] is int and each.low.is_integer() and each.high.is_integer()
            found[name] = dataclasses.replace(each, whole=whole)
    return found


def _first(choices: tuple[Any, ...] | SearchRange) -> Any:
    if isinstance(choices, SearchRange):
        return int(choices.low) if choices.whole else choices.low
    return choices[0]


def _last(choices: tuple[Any, ...] | SearchRange) -> Any:
    if isinstance(choices, SearchRange):
        return int(choices.high) if choices.whole else choices.high
    return choices[-1]


def _in_words(choices: tuple[Any, ...] | SearchRange) -> str:
    return str(choices) if isinstance(choices, SearchRange) else ", ".join(map(str, choices))


@contextlib.contextmanager
def _searcher(
    wanted: SearchRequest,
    plan: Sequence[PlannedRun],
    registry: Registry,
    tell: Callable[[str], None],
) -> Iterator[Searcher]:
    """The searcher, with what an earlier search of the same has found; nobody else has it.

    Raises:
        ConfigError: No plugin offers one, or what it knows cannot be read.
        RunFolderError: Its folder cannot be written.
    """
    folder = plan[0].config.options.runs_dir.absolute() / FOLDER
    try:
        if folder.is_symlink():
            raise NotADirectoryError(20, "it is a symbolic link")
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"the search cannot be kept: {error.strerror or error}",
            where=str(folder),
            remedy="Delete it, or choose another folder of runs: --runs-dir",
        ) from error
    name = _name_of(wanted, plan)
    with locked(
        folder / f"{name}.lock",
        "this search",
        lambda holder: tell(f"{holder or 'another process'} does this search: waiting for it"),
    ):
        space = SearchSpace(
            choices=wanted.space,
            file=folder / f"{name}.log",
            seed=first_seed(wanted.request.layers),
        )
        yield registry.searcher(wanted.searcher, space)


def _name_of(wanted: SearchRequest, plan: Sequence[PlannedRun]) -> str:
    """Hash of what is searched: task, everything that is fixed, seeds, and what is chosen from."""
    space = {name: _in_words(choices) for name, choices in sorted(wanted.space.items())}
    text = json.dumps([sorted(key_of(planned) for planned in plan), space, wanted.searcher])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
