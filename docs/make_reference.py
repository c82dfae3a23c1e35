"""Write ``docs/reference.md`` and ``docs/run.schema.json`` from the code.

``python docs/make_reference.py`` after a change of a hook, a command, a setting or the record; a
test compares the files with what this program makes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def make() -> dict[str, str]:
    """File name to content."""
    # The parts lie beside this program, which may be run from anywhere.
    sys.path.insert(0, str(DOCS.parent))
    from docs._reference import sections as parts
    from docs._reference.files import with_file_structure
    from docs._reference.names import names_section
    from docs._reference.presets import engine_section, presets_section
    from docs._reference.schema import schema
    from glueharness.cli.app import App
    from glueharness.plugin.choice import PluginChoice
    from glueharness.plugin.loading import load_plugins
    from glueharness.plugin.registry import Registry

    # Only what this distribution brings: the page must not depend on what else is installed.
    installed = load_plugins(choice=PluginChoice())
    others = tuple(
        status.name
        for status in installed.statuses.values()
        if status.distribution != "glueharness"
    )
    registry = Registry(load_plugins(choice=PluginChoice(without=others)))
    head = (
        "# Reference\n\nMade from the code by `docs/make_reference.py`; change the docstrings, "
        "not this page.\n"
    )
    sections = [
        head,
        names_section(),
        parts.hooks_section(),
        parts.specs_section(),
        parts.helpers_section(),
        engine_section(),
        parts.protocols_section(),
        parts.commands_section(App(registry)),
        parts.settings_section(registry),
        presets_section(registry),
        parts.errors_section(),
        parts.record_section(),
    ]
    text = "\n".join(section.rstrip() + "\n" for section in sections)
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    return {
        "../README.md": with_file_structure(readme, DOCS.parent / "glueharness"),
        "reference.md": text,
        "run.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    for name, content in make().items():
        (DOCS / name).write_text(content, encoding="utf-8")
