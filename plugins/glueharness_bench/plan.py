"""How long a whole plan would take: its runs are measured in the place of its workers.

Dividing one run's time by the number of workers would be wrong twice: workers on one machine share
its processors and its memory, and the last runs of a plan leave workers without work.
"""

from __future__ import annotations

import heapq
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError, GlueharnessError, WorkerShare
from glueharness.run.work import make_works
from glueharness.run.worker import error_of
from glueharness_bench.worker import FOUND, REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.elsewhere import Where
    from glueharness.run.plan import PlannedRun
    from glueharness.specs import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPart:
    """Runs of a plan that differ in nothing but their seed.

    Attributes:
        task: Task name.
        point: The settings that a grid gives them.
        runs: How many there are.
        seconds: Seconds that each takes while the other workers are at work too.
        measured: What was measured, as :class:`glueharness_bench.estimate.Estimate` has it; of
            several workers the one in the middle.
    """

    task: str
    point: Mapping[str, Any]
    runs: int
    seconds: float
    measured: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEstimate:
    """How long a plan would take.

    Attributes:
        parts: Its runs.
        workers: Runs at a time.
        assumed: What is taken for granted of the workers.
        seconds: Seconds from the first run's start to the last one's end.
    """

    parts: tuple[PlanPart, ...]
    workers: int
    assumed: str
    seconds: float


def estimate_plan(
    plan: Sequence[PlannedRun],
    registry: Registry,
    where: Where,
    seconds: float,
    tell: Callable[[str], None],
) -> PlanEstimate:
    """Measure each kind of run of a plan for a short while, with what its workers have.

    Args:
        plan: The runs.
        registry: Where names are looked up.
        where: The executor.
        seconds: How long to train for each measurement.
        tell: Hears in one line what is measured.

    Raises:
        ConfigError: The executor cannot tell what its workers have.
        GlueharnessError: A run cannot be measured.
    """
    works = make_works(plan, registry)
    share = _share(where, registry, works[0].processors)
    kinds: dict[str, list[int]] = {}
    for position, planned in enumerate(plan):
        if not planned.evaluated or planned.config.task not in {p.config.task for p in plan}:
            kinds.setdefault(repr((planned.config.task, dict(planned.point))), []).append(position)
    environments = share.environments[: max(1, min(len(share.environments), len(plan)))]
    parts: list[PlanPart] = []
    lasting: dict[int, float] = {}
    for positions in kinds.values():
        planned, work = plan[positions[0]], works[positions[0]]
        tell(_told(planned, len(environments)))
        found = _measured_together(work, environments, seconds)
        each = float(found["seconds"])
        lasting |= dict.fromkeys(positions, each)
        parts.append(
            PlanPart(
                task=planned.config.task,
                point=planned.point,
                runs=len(positions),
                seconds=each,
                measured=found,
            )
        )
    return PlanEstimate(
        parts=tuple(parts),
        workers=share.workers,
        assumed=share.assumed,
        seconds=makespan((lasting[position] for position in sorted(lasting)), share.workers),
    )


def makespan(seconds: Iterable[float], workers: int) -> float:
    """When the last of some runs ends that workers take in this order."""
    free = [0.0] * workers
    for each in seconds:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def _share(where: Where, registry: Registry, processors: int) -> WorkerShare:
    spec = registry.executors.get(where.name)
    if where.argument and not spec.argument:
        raise ConfigError(
            f"the executor {where.name!r} takes nothing behind a colon: {where.argument!r}",
            remedy=f"Write --executor {where.name}",
        )
    if spec.share is None:
        raise ConfigError(f"the executor {where.name!r} does not tell what its workers have")
    return spec.share(where.argument, where.jobs, processors)


def _told(planned: PlannedRun, processes: int) -> str:
    point = "".join(f", {name} {value}" for name, value in planned.point.items())
    at_once = f" by {processes} workers at once" if processes > 1 else ""
    return f"measuring {planned.config.task}{point}{at_once}"


def _measured_together(
    work: Work, environments: Sequence[Mapping[str, str]], seconds: float
) -> Mapping[str, Any]:
    """Measure in as many processes as there are environments, all at once."""
    request = json.dumps({"request": dict(work.request), "seconds": seconds})
    with tempfile.TemporaryDirectory(prefix="glueharness-bench-plan-") as name:
        folders = [Path(name) / str(number) for number, _ in enumerate(environments)]
        processes: list[subprocess.Popen[bytes]] = []
        try:
            for folder, environment in zip(folders, environments, strict=True):
                folder.mkdir()
                (folder / REQUEST).write_text(request, encoding="utf-8")
                with (folder / "log").open("wb") as log:
                    processes.append(
                        subprocess.Popen(
                            [sys.executable, "-m", "glueharness_bench.worker", str(folder)],
                            env={**os.environ, **environment},
                            stdin=subprocess.DEVNULL,
                            stdout=log,
                            stderr=subprocess.STDOUT,
                            start_new_session=True,
                        )
                    )
            for process in processes:
                process.wait()
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        found = [
            _found(folder, process) for folder, process in zip(folders, processes, strict=True)
        ]
    return sorted(found, key=lambda each: float(each["seconds"]))[len(found) // 2]


def _found(folder: Path, process: subprocess.Popen[bytes]) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads((folder / FOUND).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        text = (folder / "log").read_text("utf-8", "replace").strip()
        last = text.splitlines()[-1] if text else "it said nothing"
        raise GlueharnessError(
            f"a measuring process ended with code {process.returncode}: {last}",
            remedy="With fewer workers (--jobs) they need less memory.",
        ) from error
    if "error" in found:
        raise error_of(found)
    return found
