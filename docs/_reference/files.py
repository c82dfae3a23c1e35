"""The files of the core, one line each, from their docstrings."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from docs._reference.markdown import summary_of

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = "<!-- made by docs/make_reference.py from the modules' docstrings -->\n"
END = "<!-- end of what docs/make_reference.py makes -->\n"

_ORDER = (
    "api", "cli", "submission", "run", "scoring", "data", "plugin", "specs", "record", "settings",
    "system", "", "authoring", "testing", "scaffold",
)  # fmt: skip
"""The folders from the top of the core to its bottom, then what it offers to authors."""


def with_file_structure(page: str, core: Path) -> str:
    """The page with a new list of the core's files between its two marks.

    Args:
        page: The page's text.
        core: The folder of the core.
    """
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{_file_structure(core)}\n{END}{tail}"


def _file_structure(core: Path) -> str:
    folders: dict[str, list[Path]] = {}
    for file in sorted(core.rglob("*.py")):
        folders.setdefault(file.parent.relative_to(core).as_posix().removeprefix("."), []).append(
            file
        )
    known = [name for name in _ORDER if name in folders]
    lines = []
    for name in [*known, *sorted(set(folders) - set(known))]:
        package = core / name / "__init__.py"
        lines.append(f"- `{core.name}/{name}{'/' if name else ''}` {_first_sentence(package)}")
        files = [file for file in folders[name] if file != package]
        lines += [f"  - `{file.name}` {_first_sentence(file)}" for file in files]
    return "".join(f"{line}\n" for line in lines)


def _first_sentence(module: Path) -> str:
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=\.)\s", summary_of(text))[0]
