"""The page: markup, style, script and data in one file that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from glueharness_leaderboard.tables.markup import html_parts

if TYPE_CHECKING:
    from glueharness_leaderboard.report.document import Report

STYLES = ("base.css", "board.css", "pairs.css", "run.css", "media.css")
SCRIPTS = (
    "text.js", "data.js", "draw.js", "head.js", "board.js", "group.js", "pairs.js", "rows.js",
    "curves.js", "speed.js", "run.js", "views.js",
)  # fmt: skip
"""The script's parts, each on what stands before it."""
_FOLDER = "page"


def page_of(report: Report) -> str:
    """The report as one HTML file.

    Its Content-Security-Policy names script and style by their hashes, so that nothing else runs,
    and allows no request: what is in the data can only be shown.
    """
    style = "\n".join(_part("style", name) for name in STYLES)
    parts = "\n".join(_part("script", name) for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{parts}\nstart();\n}})();\n'
    style = _between(style, "style")
    script = _between(script, "script")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    tables = html_parts(report.sheets, []) or "<p>No completed runs.</p>"
    values = {
        "{{policy}}": policy,
        "{{title}}": html.escape(_visible(report.title)),
        "{{style}}": style,
        "{{tables}}": tables,
        "{{data}}": json_in_html(report.data),
        "{{script}}": script,
    }
    text = _part("", "index.html")
    # In one pass: what is put in is never looked through for places.
    found, rest = [], text
    for place, value in values.items():
        before, _, rest = rest.partition(place)
        found += [before, value]
    return "".join([*found, rest])


def json_in_html(values: Any) -> str:
    r"""JSON that no HTML parser can take for markup: ``<``, ``>``, ``&`` are ``\u003c`` and so on.

    It is ASCII, so that U+2028, U+2029 and control characters are escaped, too.
    """
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.replace("\x7f", "\\u007f")


def _part(folder: str, name: str) -> str:
    place = resources.files(__package__).joinpath(_FOLDER, folder, name) if folder else (
        resources.files(__package__).joinpath(_FOLDER, name)
    )  # fmt: skip
    return place.read_text(encoding="utf-8")


def _between(content: str, tag: str) -> str:
    """Content of an element whose end it must not hold."""
    if f"</{tag}" in content.lower():
        raise AssertionError(f"the page's own {tag} would end its element")
    return f"\n{content}"


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _visible(text: str) -> str:
    from glueharness_leaderboard.tables.texts import plain

    return plain(text)
