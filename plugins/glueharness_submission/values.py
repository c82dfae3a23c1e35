"""Check one prediction as it is written."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness_submission.collector import quoted
from glueharness_submission.form import vocabulary

if TYPE_CHECKING:
    from glueharness import Answer
    from glueharness_submission.expected import Expected

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_NO_NUMBER = re.compile(rb"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(rb"[+-]?\d+,\d+")
_LONGEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueProblem:
    """What is wrong with a prediction.

    Attributes:
        kind: The kind of mistake; each kind is reported once per file.
        what: The mistake in words.
        answer: What the server would answer.
        remedy: What to write instead.
    """

    kind: str
    what: str
    answer: Answer = "rejected"
    remedy: str = ""


def value_problem(value: bytes, expected: Expected) -> ValueProblem | None:
    """What is wrong with a value, or None."""
    if expected.task.regression:
        return _number_problem(value, expected)
    return _label_problem(value, expected)


def _label_problem(value: bytes, expected: Expected) -> ValueProblem | None:
    known = {text.encode() for text in expected.file.values.values()}
    if value in known:
        return None
    what, remedy = f"{quoted(value)} is not a label of {expected.name}", _mapping(expected)
    if not value.strip():
        return ValueProblem(kind="no value", what="there is no prediction", remedy=remedy)
    stripped = value.strip().strip(b"\"'").strip()
    by_case = {item.lower(): item for item in known}
    if stripped in known:
        marks = "quotes" if value.strip() != stripped else "spaces"
        return ValueProblem(
            kind=f"label {marks}",
            what=f"{quoted(value)} has {marks} round it",
            remedy=f"Write {stripped.decode()}.",
        )
    if stripped.lower() in by_case:
        good = by_case[stripped.lower()].decode()
        return ValueProblem(
            kind="label case", what=f"{quoted(value)} differs in case", remedy=f"Write {good}."
        )
    names = {name.encode() for name in expected.task.labels}
    if stripped in names:
        what = f"{quoted(value)} is the label's name, which {expected.name} does not accept"
        taken = stripped == value and expected.file.names_taken
        answer: Answer = "probably accepted" if taken else "rejected"
        return ValueProblem(kind="label name", what=what, answer=answer, remedy=remedy)
    if re.fullmatch(rb"(LABEL_)?\d+(\.0+)?", stripped, re.IGNORECASE):
        what = f"{quoted(value)} is a label's number, which {expected.name} does not accept"
        return ValueProblem(kind="label number", what=what, remedy=remedy)
    if not value.isascii() and not _is_utf8(value):
        return ValueProblem(kind="not UTF-8", what=f"{quoted(value)} is not UTF-8", remedy=remedy)
    return ValueProblem(kind="label", what=what, remedy=remedy)


def _mapping(expected: Expected) -> str:
    if all(label == text for label, text in expected.file.values.items()):
        return f"It takes {' or '.join(vocabulary(expected.file))}."
    pairs = ", ".join(f"{text} for {label}" for label, text in expected.file.values.items())
    return f"It takes {pairs}."


def _number_problem(value: bytes, expected: Expected) -> ValueProblem | None:
    span = expected.task.score_range
    remedy = f"It takes numbers from {span[0]:g} to {span[1]:g}." if span else "It takes numbers."
    if not value.strip():
        return ValueProblem(kind="no value", what="there is no prediction", remedy=remedy)
    if _NO_NUMBER.fullmatch(value.strip()):
        what = f"{quoted(value)} is not a finite number"
        return ValueProblem(kind="not finite", what=what, remedy=remedy)
    if _DECIMAL_COMMA.fullmatch(value):
        what = f"{quoted(value)} has a decimal comma"
        return ValueProblem(kind="comma", what=what, remedy="Write a decimal point.")
    if len(value) > _LONGEST or not _NUMBER.fullmatch(value):
        return ValueProblem(
            kind="no number", what=f"{quoted(value)} is not a number", remedy=remedy
        )
    if math.isinf(float(value)):
        what = f"{quoted(value)} is too large for a number"
        return ValueProblem(kind="not finite", what=what, remedy=remedy)
    if span and not span[0] <= float(value) <= span[1]:
        return ValueProblem(
            kind="range",
            what=f"{value.decode()} is outside of {span[0]:g} to {span[1]:g}",
            remedy="Clip the scores; the server is said to answer others with an error.",
        )
    return None


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
