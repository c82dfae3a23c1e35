"""From the official download's records to rows: nested answers, and words that are pointed at.

WiC and WSC ask about certain words of a text. A model sees only the text, so that the words are
marked in it: ``*`` on both sides of the word or noun phrase, ``#`` on both sides of WSC's pronoun.
Both signs are in the vocabulary of every usual encoder. T5 marks WSC in the same way (Raffel et al.
2020, JMLR 21:140).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from glueharness import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Record = Mapping[str, Any]

_WORD = re.compile(r"\S+")
_NUMBERED = re.compile(r"<b>Sent \d+: </b>|<br>")
_ADDED = ("idx", "label")


def copa(record: Record) -> dict[str, Any]:
    """The premise with the question about it, and the two choices."""
    row = {name: record[name] for name in _ADDED if name in record}
    asked = _text(record, "question")
    if asked not in {"cause", "effect"}:
        raise DataError(f"question is {asked!r}, and neither 'cause' nor 'effect'")
    premise = f"{_text(record, 'premise')} What was the {asked}?"
    choices = {name: _text(record, name) for name in ("choice1", "choice2")}
    return {**row, "premise": premise, **choices}


def wic(record: Record) -> dict[str, Any]:
    """Two sentences, each with its use of the word marked.

    ``start1`` and ``end1`` are positions of characters in ``sentence1``; ``end1`` is the first one
    behind the word.
    """
    row = {name: record[name] for name in _ADDED if name in record}
    for number in ("1", "2"):
        text = _text(record, f"sentence{number}")
        start, end = (_number(record, f"{name}{number}") for name in ("start", "end"))
        if not 0 <= start < end <= len(text):
            raise DataError(
                f"start{number} and end{number} are {start} and {end}, which are no part of the "
                f"{len(text)} characters of sentence{number}"
            )
        row[f"sentence{number}"] = _marked(text, [(start, end, "*")])
    return row


def wsc(record: Record) -> dict[str, Any]:
    """The text with the noun phrase (span 1) and the pronoun (span 2) marked.

    ``span1_index`` is the number of the phrase's first word, counted from 0; words are parted by
    white space.
    """
    row = {name: record[name] for name in _ADDED if name in record}
    text, target = _text(record, "text"), record.get("target")
    if not isinstance(target, dict):
        raise DataError("the record has no target")
    spans = []
    for number, mark in (("1", "*"), ("2", "#")):
        words, first = _text(target, f"span{number}_text"), _number(target, f"span{number}_index")
        spans.append((*_place(text, words, first), mark))
    return {**row, "text": _marked(text, spans)}


def multirc(record: Record) -> list[dict[str, Any]]:
    """A row for each answer to each question about the passage.

    The question and the answer are one text. ``question`` says which rows belong to the same
    question; the three numbers are those of the official data.
    """
    passage = record.get("passage")
    if not isinstance(passage, dict):
        raise DataError("the record has no passage")
    text = " ".join(_NUMBERED.sub(" ", _text(passage, "text")).split())
    rows = []
    for question in passage.get("questions", ()):
        for answer in question.get("answers", ()):
            numbers = [_number(each, "idx") for each in (record, question, answer)]
            row = {
                "passage": text,
                "answer": f"{_text(question, 'question')} {_text(answer, 'text')}",
                "question": f"{numbers[0]}/{numbers[1]}",
                **dict(zip(("passage_idx", "question_idx", "answer_idx"), numbers, strict=True)),
            }
            rows.append({**row, "label": answer["label"]} if "label" in answer else row)
    return rows


def _place(text: str, span: str, first: int) -> tuple[int, int]:
    """Where a span is: the characters of its words, or of as many words from the first on.

    The words of the text may have other signs around them ("it," for "it"), and another case.
    """
    words = list(_WORD.finditer(text))
    if not 0 <= first < len(words):
        raise DataError(f"there is no word number {first} in a text of {len(words)} words")
    last = min(len(words), first + len(span.split())) - 1
    begin, end = words[first].start(), words[last].end()
    within = text[begin:end].casefold().find(span.casefold())
    return (begin, end) if within < 0 else (begin + within, begin + within + len(span))


def _marked(text: str, spans: list[tuple[int, int, str]]) -> str:
    for start, end, mark in sorted(spans, reverse=True):  # the last first: places stay as they are
        text = f"{text[:start]}{mark} {text[start:end]} {mark}{text[end:]}"
    return text


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{name} is {value!r}, which is no text")
    return value


def _number(record: Record, name: str) -> int:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{name} is {value!r}, which is no whole number")
    return value
