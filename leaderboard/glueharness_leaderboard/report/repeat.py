"""The command that repeats a run, made from its settings and safe to paste into a shell."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from glueharness.settings.fields import ADJUSTED, DEFAULT, RECIPE_OF, settings_of
from glueharness.settings.run_options import RunOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord

_SETTING = re.compile(r"[a-z][a-z0-9_]*")
_ELSEWHERE = frozenset({"model", "seed", "runs_dir", "track"})


def repeat_command(record: RunRecord, registry: Registry) -> str:
    """The command line, one line, every word quoted for a POSIX shell.

    It is made from the settings that the user chose, and not from the command line that the record
    has: a record may come from anybody. What only its user may allow, such as running a
    checkpoint's own code, is left out. A task that only its runs know cannot be named to `run`.
    """
    if record.definition is not None and record.task not in registry.tasks.items:
        return " ".join(map(shell_word, ["glueharness", "reproduce", record.id]))
    words = ["glueharness", "run", *_target(record)]
    if record.kind == "evaluation":
        words[1] = "evaluate"
    words += [word for name, value in _chosen(record, registry) for word in _option(name, value)]
    return " ".join(map(shell_word, [*words, "--rerun"]))


def _target(record: RunRecord) -> list[str]:
    if record.kind == "evaluation" and record.parent is not None:
        return [record.task, f"--run={record.parent.id}"]
    model = [record.task, f"--model={record.model}"]
    return model if record.kind == "evaluation" else [*model, f"--seed={record.seed}"]


def _chosen(record: RunRecord, registry: Registry) -> Iterator[tuple[str, object]]:
    family = record.model.partition(":")[0]
    known = settings_of(registry.models.get(family).settings) if (
        family in registry.models.items
    ) else ()  # fmt: skip
    left_out = {item.name for item in known if item.info.consent} | _ELSEWHERE
    if record.kind == "evaluation":
        left_out |= {item.name for item in (*known, *settings_of(RunOptions)) if item.info.training}
    # Of a model that is not installed nobody can say which settings are consents.
    allowed = {item.name for item in (*known, *settings_of(RunOptions))}
    for name, item in record.settings.items():
        chosen = item.origin != DEFAULT and not item.origin.startswith((RECIPE_OF, ADJUSTED))
        if chosen and name in allowed and name not in left_out and _SETTING.fullmatch(name):
            yield name, item.value


def _option(name: str, value: object) -> list[str]:
    flag = name.replace("_", "-")
    if value is None or value == "":
        return []
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    # One word, so that a value that begins with a dash is no option.
    return [f"--{flag}={value}"]


def shell_word(text: str) -> str:
    r"""A word that a shell takes as this very text; what does not show is spelt ``\u202e``."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_letter, text)) + "'"


def _letter(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a path that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else (
        f"\\U{code:08x}"
    )  # fmt: skip
