"""Measures one run in a process of its own, with what a worker of a plan has.

``python -m glueharness_bench.worker FOLDER`` reads ``work.json`` there and leaves ``found.json``.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.errors import GlueharnessError, Interrupted
from glueharness.run.worker import failed_with, in_folder, layers_of, registry_of
from glueharness.system.interrupts import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REQUEST, FOUND = "work.json", "found.json"


def main(arguments: Sequence[str]) -> int:
    """Measure what the folder asks for; the exit code is 0 also if that says what went wrong."""
    end_with_parent()
    folder = Path(arguments[0])
    found: Any
    try:
        found = _measure(json.loads((folder / REQUEST).read_text(encoding="utf-8")))
    except (KeyboardInterrupt, Interrupted):
        return Interrupted.exit_code
    except GlueharnessError as error:
        found = failed_with(error)
    (folder / FOUND).write_text(json.dumps(found, default=str), encoding="utf-8")
    return 0


def _measure(asked: Mapping[str, Any]) -> dict[str, Any]:
    from glueharness.run.config import build_config
    from glueharness_bench.estimate import estimate

    request = asked["request"]
    with in_folder(request):
        registry = registry_of(request)
        config = build_config(request["task"], layers_of(request), registry)
        found = estimate(config, registry, asked["seconds"])
    return {
        **dataclasses.asdict(found),
        "seconds": found.seconds,
        "sample": found.origin.sample,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
