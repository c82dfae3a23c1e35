"""What the suites need to know about the installed plugins."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.plugin.registry import Registry
from glueharness.testing.expect import expect, skip

if TYPE_CHECKING:
    from glueharness.plugin.shelf import Shelf
    from glueharness.plugin.status import PluginStatus

_SECONDS = 60
_SCRIPT = """
import importlib.metadata, json, pathlib, sys
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.loading import GROUP, load_plugins
from glueharness.plugin.registry import Registry
name, target, described = sys.argv[1:]
found = importlib.metadata.entry_points(group=GROUP)
points = [point for point in found if (point.name, point.value) == (name, target)]
files = () if points else (pathlib.Path(target),)
# What a file describes is read by another plugin, and which one is not known.
plugins = load_plugins(found if described else points, PluginChoice(files=files))
Registry(plugins)
status = plugins.statuses[name]
print(json.dumps({"heavy": sorted(status.heavy), "seconds": status.seconds}))
"""


@functools.cache
def installed() -> Registry:
    """The installed plugins, loaded once per process."""
    return Registry()


def expect_cheap_description(shelf: Shelf, name: str) -> None:  # type: ignore[type-arg]
    """Expect that the plugin that offers ``name`` imports nothing heavy to describe itself."""
    claims = shelf.items.get(name, [])
    if not claims or (claims[0][1].point is None and not Path(claims[0][1].target).is_file()):
        skip(f"no installed plugin offers the {shelf.kind} {name!r}")
    status = claims[0][1]
    heavy = heavy_imports(status)
    expect(
        not heavy,
        f"{status.owner} imports {', '.join(heavy)} merely to describe itself: import heavy "
        "libraries inside the factories",
    )


def heavy_imports(status: PluginStatus) -> tuple[str, ...]:
    """The heavy libraries that loading a plugin imports, found in a separate process."""
    in_python = status.target.endswith(".py") if status.point is None else not status.described
    return _heavy_imports(status.name, status.target, "" if in_python else "described")


@functools.cache
def _heavy_imports(name: str, target: str, described: str) -> tuple[str, ...]:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, name, target, described],
        capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    expect(done.returncode == 0, f"the plugin cannot be loaded alone: {done.stderr.strip()}")
    return tuple(json.loads(done.stdout)["heavy"])
