"""Reading values out of a TOML file, each with the line to name if it is not what it should be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError
from glueharness.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[.=]""")
_LONGEST = 1000


class Lines:
    """The lines on which a file's keys stand.

    Args:
        path: The file.
        text: Its text.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines: dict[tuple[str, str], int] = {}
        table, count = "", dict[str, int]()
        for number, whole in enumerate(text.split("\n"), start=1):
            line = whole[:_LONGEST]  # the patterns would take long to look through a longer one
            if header := _HEADER.match(line):
                table = re.sub(r"\s*\.\s*", ".", header[1]).replace('"', "")
                if line.lstrip().startswith("[["):
                    count[table] = count.get(table, 0) + 1
                    table = f"{table}[{count[table]}]"
                self._lines.setdefault((table, ""), number)
            elif key := _KEY.match(line):
                self._lines.setdefault((table, key[1] or key[2] or key[3]), number)

    def where(self, table: str, key: str = "") -> str:
        """The place of a key, or of what it is in; the file alone if neither was found."""
        parent, _, name = table.rpartition(".")
        for place in ((table, key), (table, ""), (parent, name), (parent, "")):
            if place in self._lines:
                return f"{self._path}:{self._lines[place]}"
        return str(self._path)


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the file.

    Attributes:
        values: What is in it.
        name: Its name, for instance ``"source.columns"``; empty for the top of the file.
        lines: Where its keys stand.
    """

    values: Mapping[str, Any]
    name: str
    lines: Lines

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Refuse keys that mean nothing.

        Raises:
            ConfigError: With the nearest key that does.
        """
        names = list(known)
        for key in self.values:
            if key not in names:
                inside = f" in [{self.name}]" if self.name else ""
                raise ConfigError(
                    f"there is no key {key!r}{inside}{did_you_mean(key, names)}",
                    where=self.lines.where(self.name, key),
                    remedy=f"Keys are {', '.join(names)}.",
                )

    def wrong(self, key: str, what: str, remedy: str = "") -> ConfigError:
        """The error for the value of a key."""
        return ConfigError(what, where=self.lines.where(self.name, key), remedy=remedy)

    def text(self, key: str, default: str = "") -> str:
        """A text.

        Raises:
            ConfigError: The value is something else.
        """
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, f'{key} is {_kind(value)}; it must be a text: {key} = "..."')
        return value

    def needed(self, key: str, example: str) -> str:
        """A text that must be there.

        Raises:
            ConfigError: It is missing, empty or something else.
        """
        value = self.text(key)
        if not value:
            inside = f"[{self.name}] " if self.name else ""
            raise self.wrong(key, f"{inside}says no {key}", f'Write {key} = "{example}".')
        return value

    def texts(self, key: str, example: str = '["...", "..."]') -> tuple[str, ...]:
        """A list of texts; empty if it is not there.

        Raises:
            ConfigError: The value is something else.
        """
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, f"{key} must be a list of texts: {key} = {example}")
        return tuple(value)

    def number(self, key: str) -> int | None:
        """A whole number, 0 or more; None if it is not there.

        Raises:
            ConfigError: The value is something else.
        """
        value = self.values.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.wrong(key, f"{key} is {_kind(value)}; it must be a whole number")
        if value is not None and value < 0:
            raise self.wrong(key, f"{key} is {value}; it must be 0 or more")
        return value

    def truth(self, key: str, *, default: bool) -> bool:
        """True or false.

        Raises:
            ConfigError: The value is something else.
        """
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"{key} is {_kind(value)}; it must be true or false")
        return value

    def section(self, key: str) -> Section:
        """A table; empty if it is not there.

        Raises:
            ConfigError: The value is something else.
        """
        value = self.values.get(key, {})
        name = f"{self.name}.{key}" if self.name else key
        if not isinstance(value, dict):
            raise self.wrong(key, f"{key} is {_kind(value)}; it must be a table: [{name}]")
        return Section(value, name, self.lines)

    def sections(self, key: str) -> list[Section]:
        """A list of tables; empty if it is not there.

        Raises:
            ConfigError: The value is something else.
        """
        value = self.values.get(key, [])
        name = f"{self.name}.{key}" if self.name else key
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(key, f"{key} must be tables, each begun with [[{name}]]")
        return [
            Section(item, f"{name}[{number}]", self.lines)
            for number, item in enumerate(value, start=1)
        ]

    def words(self) -> dict[str, str]:
        """The whole table, whose values are all texts.

        Raises:
            ConfigError: One is something else.
        """
        return {key: self.text(key) for key in self.values}


def _kind(value: object) -> str:
    """What a value is, as one says of TOML."""
    kinds: tuple[tuple[type, str], ...] = (
        (bool, f"{value}".lower()), (dict, "a table"), (list, "a list"),
        (str, f"the text {value!r}"),
    )  # fmt: skip
    return next((said for kind, said in kinds if isinstance(value, kind)), str(value))
