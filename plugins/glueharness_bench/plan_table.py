"""What ``bench`` prints of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.run.environment import core_count
from glueharness_bench.words import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness_bench.plan import PlanEstimate, PlanPart

_BUSY = 0.5


def show_plan(found: PlanEstimate) -> None:
    """Print how long a plan would take."""
    from rich.text import Text

    from glueharness.cli.output import make_table, stdout

    runs = sum(part.runs for part in found.parts)
    rows = [
        [_name(part), str(part.runs), in_words(part.seconds), in_words(part.seconds * part.runs)]
        for part in found.parts
    ]
    workers = f"{found.workers} workers" if found.workers > 1 else "one worker"
    rows.append([f"whole plan, {workers}", str(runs), "", in_words(found.seconds)])
    count = f"{runs} runs" if runs > 1 else "one run"
    title = f"{found.parts[0].measured['model']} · {count}, estimated"
    console = stdout()
    console.print(make_table(title, ["runs of", "number", "each", "takes"], rows))
    for line in _remarks(found):
        console.print(Text(line))


def _name(part: PlanPart) -> str:
    return ", ".join([part.task, *(f"{name} {value}" for name, value in part.point.items())])


def _remarks(found: PlanEstimate) -> Iterator[str]:
    yield f"Assumed: {found.assumed}."
    first = found.parts[0].measured
    if any(part.measured["sample"] for part in found.parts):
        yield (
            "The rows are made-up ones from the bundled sample. Real rows may be longer, and "
            "longer rows take more time. To measure on real rows: --data-dir FOLDER."
        )
    load = first["load"]  # from before the first worker began
    if load is not None and load > _BUSY * core_count():
        yield (
            f"The machine was busy before the measurement (load {load:.1f}). On an idle machine "
            "the plan would be quicker."
        )
    seen: set[str] = set()
    for part in found.parts:
        for message in part.measured["warnings"]:
            if message not in seen:
                seen.add(message)
                yield f"warning: {message}"
