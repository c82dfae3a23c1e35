"""Tables as Markdown, LaTeX and HTML. Texts of users are data in each of them, never code."""

from __future__ import annotations

import html as html_escapes
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.tables.sheet import Column, Sheet

_DASH = "\x00"
"""Stands for a dash until all else is escaped."""
_LATIN_END = 0x180
_NOT_FOR_PAPER = 900
"""Columns that are this easily spared are left out."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # behind the end of a row it would be an option of that
    "*": "{*}",
    "`": r"\textasciigrave{}",
    "±": r"$\pm$",
    "−": "$-$",
    "≈": r"$\approx$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "…": r"\dots{}",
    "–": _DASH,
    "²": r"$^2$",
}

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1b1b1b;background:#fff}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}"
    "th,td{padding:.25rem .75rem;text-align:left;border-bottom:1px solid #ddd;white-space:nowrap}"
    ".right{text-align:right;font-variant-numeric:tabular-nums}"
    ".best td{font-weight:600}.note{color:#8a5a00}.dim{color:#595959}"
    "@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}"
    "th,td{border-color:#444}.note{color:#e0b050}.dim{color:#a8a8a8}}"
)


def markdown(sheets: Sequence[Sheet], legends: Sequence[str]) -> str:
    """A heading and a pipe table for each sheet, then what the signs mean."""
    blocks = []
    for sheet in sheets:
        lines = [f"### {escape_markdown(sheet.title)}", ""]
        lines += [f"> {escape_markdown(note)}\n" for note in sheet.notes]
        blocks.append("\n".join([*lines, markdown_table(sheet.columns)]))
        blocks += [f"**{escape_markdown(answer)}**" for answer in sheet.answers]
        blocks += [escape_markdown(line) for line in sheet.footnotes]
    blocks += [escape_markdown(line) for line in legends]
    return "\n\n".join(blocks) + "\n"


def markdown_table(columns: Sequence[Column]) -> str:
    """Columns as a pipe table."""
    from tabulate import tabulate

    return tabulate(
        [
            [escape_markdown(cell) for cell in cells]
            for cells in zip(*(column.wide or column.cells for column in columns), strict=True)
        ],
        headers=[escape_markdown(column.heading.replace("\n", " ")) for column in columns],
        tablefmt="pipe",
        colalign=["right" if column.right else "left" for column in columns],
        disable_numparse=True,
    )


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, in a cell too."""
    words = " ".join(printable(text, lines=True).split())
    escaped = re.sub(r"([\\`*_\[\]|<>~$])", r"\\\1", words)
    escaped = re.sub(r"&(?=#?\w+;)", r"\\&", escaped)
    # What would make a heading or a list of a line that begins with it.
    return re.sub(r"^(\d{0,9})(#+|[-+=]+|[.)])(?=\s|$)", r"\1\\\2", escaped)


def latex(sheets: Sequence[Sheet], legends: Sequence[str]) -> str:
    r"""A ``table`` with booktabs rules for each sheet; needs ``\\usepackage{booktabs}``."""
    blocks = ["% Needs \\usepackage{booktabs}, and UTF-8 (the default since 2018)."]
    for sheet in sheets:
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{escape_latex(sheet.title)}}}"]
        under = [escape_latex(each) for each in (*sheet.notes, *sheet.answers, *sheet.footnotes)]
        lines += [
            _tabular(_for_paper(sheet)),
            *(rf"\par\smallskip {{\footnotesize {line}}}" for line in under),
        ]
        blocks.append("\n".join([*lines, r"\end{table}"]))
    blocks += [f"% {escape_latex(line)}" for line in legends]
    return "\n\n".join(blocks) + "\n"


def _for_paper(sheet: Sheet) -> Sheet:
    """Without the columns that are left out first where space is short: speed, time, runs."""
    kept = [column for column in sheet.columns if column.spare < _NOT_FOR_PAPER]
    return replace(sheet, columns=kept)


def _tabular(sheet: Sheet) -> str:
    alignment = "".join("r" if column.right else "l" for column in sheet.columns)
    headings = [escape_latex(column.heading.replace("\n", " ")) for column in sheet.columns]
    lines = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", " & ".join(headings) + r" \\"]
    lines.append(r"\midrule")
    for place, cells in enumerate(_rows(sheet.columns)):
        texts = [escape_latex(cell) for cell in cells]
        if place in sheet.best:
            texts = [rf"\textbf{{{text}}}" if text else text for text in texts]
        lines.append(" & ".join(texts) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it is, whatever engine and font encoding."""
    plain = " ".join(printable(text, lines=True).split())
    # Two hyphens, as in the name of an option, would become a dash.
    return "".join(map(_latex_letter, plain)).replace("--", "-{}-").replace(_DASH, "--")


def _latex_letter(letter: str) -> str:
    if letter in _LATEX:
        return _LATEX[letter]
    # Letters beyond Latin stop pdfLaTeX, unless a package for their script is loaded.
    return letter if ord(letter) < _LATIN_END else rf"\texttt{{[U+{ord(letter):04X}]}}"


def html(sheets: Sequence[Sheet], legends: Sequence[str]) -> str:
    """One page with a table for each sheet: no script, no request, nothing but text."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        (
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        ),
        f"<title>{_text(sheets[0].title if sheets else 'glueharness')}</title>",
        f"<style>{_STYLE}</style></head><body>",
    ]
    return "\n".join([*parts, html_parts(sheets, legends), "</body></html>"]) + "\n"


def html_parts(sheets: Sequence[Sheet], legends: Sequence[str]) -> str:
    """A heading and a table for each sheet, for a page of somebody else's, a notebook's say."""
    parts = []
    for sheet in sheets:
        parts.append(f"<h2>{_text(sheet.title)}</h2>")
        parts += [f'<p class="note">{_text(note)}</p>' for note in sheet.notes]
        parts.append(_html_table(sheet))
        parts += [f"<p><strong>{_text(answer)}</strong></p>" for answer in sheet.answers]
        parts += [f'<p class="dim">{_text(line)}</p>' for line in sheet.footnotes]
    parts += [f'<p class="dim">{_text(line)}</p>' for line in legends]
    return "\n".join(parts)


def _html_table(sheet: Sheet) -> str:
    def cell(tag: str, column: Column, text: str) -> str:
        kind = ' class="right"' if column.right else ""
        return f"<{tag}{kind}>{_text(text)}</{tag}>"

    head = "".join(cell("th", column, column.heading) for column in sheet.columns)
    lines = [f"<table><thead><tr>{head}</tr></thead><tbody>"]
    for place, cells in enumerate(_rows(sheet.columns)):
        best = ' class="best"' if place in sheet.best else ""
        inner = "".join(
            cell("td", column, text) for column, text in zip(sheet.columns, cells, strict=True)
        )
        lines.append(f"<tr{best}>{inner}</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def _text(text: str) -> str:
    return html_escapes.escape(" ".join(printable(text, lines=True).split()))


def _rows(columns: Sequence[Column]) -> list[tuple[str, ...]]:
    return list(zip(*(column.wide or column.cells for column in columns), strict=True))
