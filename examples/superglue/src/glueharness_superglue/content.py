"""Checks the content of one file, line by line."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness import Finding
from glueharness_superglue.form import nested, written

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from glueharness import SubmissionFile

_LISTED = 5


class _Wrong(Exception):  # noqa: N818 - what is wrong with a line
    """A line is not as it must be."""


@dataclass(slots=True)
class Seen:
    """What is in a file.

    Attributes:
        file: Its name, for findings.
        rows: Predictions in it.
        values: How often each label occurs, as it is written.
        kinds: Lines of each kind of mistake.
    """

    file: str
    rows: int = 0
    values: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, list[int]] = field(default_factory=dict)

    def tell(self, what: str, line: int = 0) -> None:
        """Keep that something is wrong; the same mistake in many lines is one finding."""
        self.kinds.setdefault(what, []).append(line)

    @property
    def findings(self) -> list[Finding]:
        """The first few kinds of mistakes."""
        return [
            Finding(
                file=self.file,
                what=what,
                lines=tuple(line for line in lines[:_LISTED] if line),
                count=len(lines),
            )
            for what, lines in list(self.kinds.items())[:_LISTED]
        ]

    @property
    def more(self) -> int:
        """Kinds that are not listed."""
        return max(0, len(self.kinds) - _LISTED)


def check_content(content: bytes, file: SubmissionFile, rows: int | None, name: str) -> Seen:
    """Look at every prediction.

    Args:
        content: The file.
        file: What it must hold.
        rows: Predictions that it must have; None if that is not known.
        name: Its name as found.
    """
    seen = Seen(file=name)
    labels = {json.dumps(written(value)): value for value in file.values.values()}
    counts: Counter[str] = Counter()
    named: dict[Hashable, int] = {}
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line:
            continue
        try:
            for key, label in _predictions(line, file):
                seen.rows += 1
                if key in named:
                    seen.tell("a prediction for a row that had one before", number)
                named.setdefault(key, number)
                word = json.dumps(label)
                if word in labels:
                    counts[labels[word]] += 1
                else:
                    known = ", ".join(labels)
                    seen.tell(f"a label that is none of {known}", number)
        except _Wrong as wrong:
            seen.tell(str(wrong), number)
    seen.values = {value: counts[value] for value in labels.values()}
    if content and not content.endswith(b"\n"):
        seen.tell("the last line has no line end", content.count(b"\n") + 1)
    if rows is not None and seen.rows != rows:
        seen.tell(f"{seen.rows:,} predictions where {rows:,} must be")
    elif not nested(file) and not seen.kinds:
        _check_order(list(named), seen)
    return seen


def _check_order(named: list[Any], seen: Seen) -> None:
    for place, number in enumerate(named):
        if number != place:
            seen.tell("idx is not 0, 1, 2 and so on from line to line", place + 1)
            return


def _predictions(line: bytes, file: SubmissionFile) -> Iterator[tuple[Hashable, object]]:
    """The predictions of a line, each with the numbers that name it."""
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise _Wrong("the line is no JSON in UTF-8") from None
    if not nested(file):
        _expect(record, {"idx", "label"})
        yield _number(record), record["label"]
        return
    _expect(record, {"idx", "passage"})
    passage = record["passage"]
    if not isinstance(passage, dict) or not isinstance(passage.get("questions"), list):
        raise _Wrong('the passage must be {"questions": [...]}')
    for question in passage["questions"]:
        _expect(question, {"idx", "answers"})
        if not isinstance(question["answers"], list):
            raise _Wrong("the answers of a question must be a list")
        for answer in question["answers"]:
            _expect(answer, {"idx", "label"})
            yield (_number(record), _number(question), _number(answer)), answer["label"]


def _expect(value: object, names: set[str]) -> None:
    if not isinstance(value, dict) or set(value) != names:
        raise _Wrong(f"there must be {' and '.join(sorted(names))}, and nothing else")


def _number(record: dict[str, Any]) -> int:
    number = record["idx"]
    if isinstance(number, bool) or not isinstance(number, int):
        raise _Wrong("idx must be a whole number")
    return number
