"""Whether the leaderboard's statistics keep their promises, on models whose truth is known.

    python -m benchmarks.statistics [--repetitions N] [SECTION ...]

A test at 5 % should call 5 % of equal pairs different, an interval of 95 % should hold the truth
95 times in 100, and the tests should see what there is. Everything is drawn from one seed: the
same command prints the same figures. Exits with 1 if a figure lies outside of what is allowed by
more than twice its own standard error; more ``--repetitions`` make that smaller.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.statistics_figures import Trial
from benchmarks.statistics_pairs import few_rows, macro, metrics, pairs, planning
from benchmarks.statistics_tables import boards, selection, single
from benchmarks.statistics_unusual import unusual

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.statistics_figures import Figure

SEED = 20_18_11_20

SECTIONS: dict[str, Callable[[Trial], list[Figure]]] = {
    "pairs": pairs,
    "metrics": metrics,
    "single": single,
    "boards": boards,
    "few-rows": few_rows,
    "macro": macro,
    "selection": selection,
    "planning": planning,
    "unusual": unusual,
}


def main(words: Sequence[str] | None = None) -> int:
    """Print every figure with what is allowed; 1 if one is outside."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("section", nargs="*", help=f"any of {', '.join(SECTIONS)} [all]")
    parser.add_argument("--repetitions", type=int, default=2000, help="how often to try [2000]")
    given = parser.parse_args(words)
    unknown = set(given.section) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}")
    outside = 0
    for place, (name, section) in enumerate(SECTIONS.items()):
        if given.section and name not in given.section:
            continue
        start = time.perf_counter()
        figures = section(Trial(SEED + place, given.repetitions))
        print(f"{name}: {(section.__doc__ or '').splitlines()[0]}")
        for figure in figures:
            print(f"  {figure}")
            outside += not figure.holds
        seconds = time.perf_counter() - start
        print(f"  [{name}: {seconds:.0f} s]", file=sys.stderr, flush=True)
    print(f"{outside} figures outside of what is allowed" if outside else "all figures hold")
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
