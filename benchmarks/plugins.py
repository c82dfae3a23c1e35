"""What loading plugins costs: with 50 fake distributions installed, against none.

Run it: ``python benchmarks/plugins.py``. Each measurement is an interpreter of its own, in
processor time; the median difference is what 50 plugins add. The bound is 30 ms.
"""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PLUGINS, ROUNDS, BOUND_MS = 50, 9, 30.0

_MODULE = """
from glueharness import ACCURACY, ModelSpec, SplitSpec, TaskSpec, hookimpl

requires_api = "1.0"


@hookimpl
def glueharness_tasks():
    return [
        TaskSpec(
            name="fake{number}", title="Fake", description="A task that is none.",
            columns=("text",), labels=("a", "b"), metrics=(ACCURACY,),
            splits=(SplitSpec(name="train", role="train"), SplitSpec(name="dev", role="dev")),
        )
    ]


@hookimpl
def glueharness_models():
    return [ModelSpec(name="fake{number}", description="A model that is none.", factory=print)]
"""

_MEASURE = """
import sys, time
import glueharness.plugin.loading, glueharness.plugin.registry, importlib.metadata
start = time.process_time()
registry = glueharness.plugin.registry.Registry()
seconds = time.process_time() - start
import json
heavy = sorted({"torch", "numpy", "transformers"} & set(sys.modules))
fakes = sum(task.name.startswith("fake") for task in registry.tasks)
print(json.dumps({"ms": 1000 * seconds, "fakes": fakes, "heavy": heavy}))
"""


def install_fakes(site: Path, count: int) -> None:
    """Write ``count`` distributions, each with one plugin of a task and a model."""
    for number in range(count):
        (site / f"fake{number}.py").write_text(_MODULE.replace("{number}", str(number)))
        info = site / f"fake_dist{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: fake-dist{number}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(f"[glueharness]\nfake{number} = fake{number}\n")


def measure(site: Path | None) -> float:
    """Milliseconds to load all plugins and ask them, in a new interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(site) if site else ""}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    if answer["heavy"] or answer["fakes"] != (PLUGINS if site else 0):
        raise SystemExit(f"not what was to be measured: {answer}")
    return float(answer["ms"])


def main() -> None:
    """Measure in alternation, so that a busy machine slows both alike."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        install_fakes(site, PLUGINS)
        compileall.compile_dir(site, quiet=2)  # as pip does when it installs
        pairs = [(measure(None), measure(site)) for _ in range(ROUNDS)]
    without = statistics.median(pair[0] for pair in pairs)
    added = statistics.median(pair[1] - pair[0] for pair in pairs)
    print(f"installed plugins alone: {without:.1f} ms")
    print(f"{PLUGINS} more add:           {added:.1f} ms (bound {BOUND_MS:.0f} ms)")


if __name__ == "__main__":
    main()
