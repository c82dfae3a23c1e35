"""What the workers of each executor have, for estimates: nothing is started or asked for it."""

from __future__ import annotations

from glueharness import ConfigError, WorkerShare
from glueharness.run.environment import core_count
from glueharness_executors.slurm_tools import options_of

_THREADS = "OMP_NUM_THREADS"


def local_share(argument: str, jobs: int | None, processors: int) -> WorkerShare:
    """Of worker processes here: they divide the processors, whatever each could use."""
    from glueharness_executors.local import share_of

    del argument, processors  # a run's own --threads go before a worker's share
    workers = jobs or 1
    if workers == 1:
        return WorkerShare(workers=1, environments=({},), assumed="one run after another")
    share = max(1, core_count() // workers)
    return WorkerShare(
        workers=workers,
        environments=[share_of(slot, workers) for slot in range(workers)],
        assumed=f"{workers} workers at work together, {_threads(share)} each, as they share "
        f"{core_count()} processors; nothing else keeps these busy",
    )


def ray_share(argument: str, jobs: int | None, processors: int) -> WorkerShare:
    """Of a cluster: one for this command shares this machine, another one is not asked."""
    if argument and argument != "local":
        return _elsewhere("the Ray cluster", jobs, processors or 1)
    total = max(core_count(), jobs or 1)
    share = min(processors or (max(1, total // jobs) if jobs else 1), total)
    workers = min(jobs or total, total // share)
    return WorkerShare(
        workers=workers,
        environments=[{_THREADS: str(share)}] * workers,
        assumed=f"{workers} workers at work together, {_threads(share)} each, in a Ray cluster on "
        f"this machine's {core_count()} processors; nothing else keeps these busy",
    )


def slurm_share(argument: str, jobs: int | None, processors: int) -> WorkerShare:
    """Of jobs: each has a node's processors to itself."""
    cpus = options_of(argument).get("cpus-per-task", "")
    share = int(cpus) if cpus.isdigit() and int(cpus) else processors or 1
    return _elsewhere("Slurm", jobs, share)


def _elsewhere(place: str, jobs: int | None, processors: int) -> WorkerShare:
    if jobs is None:
        raise ConfigError(
            f"how many runs {place} does at a time is not known here",
            remedy="Say for how many the estimate is to be: --jobs N",
        )
    return WorkerShare(
        workers=jobs,
        environments=({_THREADS: str(processors)},),
        assumed=f"{jobs} workers of {place}, each with {_threads(processors)} of a machine like "
        "this one to itself; the time in a queue is not counted",
    )


def _threads(number: int) -> str:
    return f"{number} thread{'s' if number > 1 else ''}"
