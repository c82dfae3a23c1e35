"""The version of the interface between the core and the plugins.

A plugin module may say which one it is written for::

    requires_api = "1.0"

The number before the point grows when something that plugins use goes or changes its meaning, the
one behind it when something is added. A plugin is used if both fit; otherwise it is refused with a
sentence that says which side to upgrade.
"""

from __future__ import annotations

import ast
import importlib.util
import re

API_VERSION = "1.0"
"""The version of this glueharness: ``major.minor``."""

PUBLIC_MODULES = {
    "glueharness": "Specs, protocols, errors and helpers: what plugins are made of.",
    "glueharness.authoring.datafiles": "`RecordRows`: from records to a checked split.",
    "glueharness.authoring.submission_files": "A submission's files, written all or none.",
    "glueharness.system.atomic": "Files that appear whole or not at all.",
    "glueharness.system.user_folders": "The user's folders for configuration and cache.",
    "glueharness.cli.app": "`App.of(ctx)` and the option `--json`, for commands of plugins.",
    "glueharness.cli.output": "Tables, facts and JSON on stdout, for commands of plugins.",
    "glueharness.data.opening": "`open_data`: a task's data from the source that has them.",
    "glueharness.plugin.events": "The arguments of the run-event hooks.",
    "glueharness.record.record": "A run's record.",
    "glueharness.record.run_file": "Reading and writing a run's record.",
    "glueharness.record.store": "`RunStore`: the runs in a folder.",
    "glueharness.plugin.registry": "Looking up what the plugins offer.",
    "glueharness.scoring.scorer": "From a model's scores to labels and metrics.",
    "glueharness.testing": "The suites that plugins must pass.",
    "glueharness.testing.material": "Small tasks and data for tests.",
}
"""The modules that plugins may import, and what is in them; others may change at any time."""

ATTRIBUTE = "requires_api"
_FORM = re.compile(r"(\d+)\.(\d+)")


def api_problem(required: object, distribution: str) -> tuple[str, str]:
    """Why a plugin that requires an API version cannot be used, and the remedy; empty if it can.

    Args:
        required: What the plugin says, ``"1.0"`` for instance; None if it says nothing.
        distribution: The plugin's distribution, for the remedy.
    """
    if required is None:
        return "", ""
    asked = _FORM.fullmatch(required) if isinstance(required, str) else None
    if asked is None:
        return (
            f"{ATTRIBUTE} is {required!r}, which is no version",
            f'It must be a text of the form "{API_VERSION}".',
        )
    have, want = _numbers(API_VERSION), (int(asked[1]), int(asked[2]))
    if want[0] == have[0] and want[1] <= have[1]:
        return "", ""
    newer = want > have
    upgrade = "glueharness" if newer else distribution
    return (
        f"it is built for API {required}; this glueharness has API {API_VERSION}",
        f"Upgrade {upgrade}: pip install --upgrade {upgrade}",
    )


def declared_api(module: str) -> str | None:
    """What a module says it requires, read from its source without running it.

    For a module that cannot be imported: the version may well be the reason.
    """
    try:
        spec = importlib.util.find_spec(module)
        if spec is None or not spec.origin or not spec.origin.endswith(".py"):
            return None
        with open(spec.origin, encoding="utf-8") as stream:  # noqa: PTH123 - a plain path as given
            tree = ast.parse(stream.read())
    except (ImportError, SyntaxError, ValueError, OSError, AttributeError):
        return None
    for statement in tree.body:
        if (
            isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Constant)
            and any(
                isinstance(name, ast.Name) and name.id == ATTRIBUTE for name in statement.targets
            )
        ):
            value = statement.value.value
            return value if isinstance(value, str) else None
    return None


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)
