"""The form of a submission's files: from predictions to lines, and what a file must hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glueharness import SubmissionError

if TYPE_CHECKING:
    from glueharness import Prediction, SubmissionFile

ARCHIVE, MANIFEST = "submission.zip", "submission.manifest.json"


def written(text: str) -> str | int:
    """A label as it stands in the file: COPA's and MultiRC's are numbers, all others are words."""
    return int(text) if text.isdecimal() else text


def _value(value: str | float, file: SubmissionFile) -> str | float:
    """A prediction as it stands in the file; a score is a number."""
    if isinstance(value, str):
        return written(file.values[value])
    return round(float(value), file.decimals)


def nested(file: SubmissionFile) -> bool:
    """Whether an answer is named by passage, question and answer, as MultiRC's are."""
    return len(file.keys) > 1


def render(prediction: Prediction) -> bytes:
    """The content of a file.

    Raises:
        SubmissionError: Rows are missing or repeated, or nothing says which answers they are.
    """
    file, name = prediction.file, prediction.file.name
    order = sorted(range(len(prediction.index)), key=lambda row: prediction.index[row])
    if [prediction.index[row] for row in order] != list(range(len(order))):
        raise SubmissionError(f"{name}: the rows are not 0, 1, 2 and so on, each once")
    labels = [_value(prediction.values[row], file) for row in order]
    if nested(file):
        lines = _passages(prediction, order, labels)
    else:
        named = _numbers(prediction, file.keys[0], order) if prediction.keys else None
        numbers = range(len(order)) if named is None else named
        lines = [{"idx": at, "label": label} for at, label in zip(numbers, labels, strict=True)]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def _passages(
    prediction: Prediction, order: list[int], labels: list[str | float]
) -> list[dict[str, Any]]:
    """Answers inside of questions inside of passages, in the order of the data."""
    if not prediction.keys:
        raise SubmissionError(
            f"{prediction.file.name} cannot be filled up without the test data: each answer is "
            "named by its passage and question",
            remedy=f"Give it a run: glueharness run {prediction.task.name} --model majority",
        )
    names = zip(*(_numbers(prediction, key, order) for key in prediction.file.keys), strict=True)
    found: dict[int, dict[int, list[dict[str, Any]]]] = {}
    for (passage, question, answer), label in zip(names, labels, strict=True):
        answers = found.setdefault(passage, {}).setdefault(question, [])
        answers.append({"idx": answer, "label": label})
    return [
        {
            "idx": passage,
            "passage": {
                "questions": [
                    {"idx": question, "answers": answers} for question, answers in questions.items()
                ]
            },
        }
        for passage, questions in found.items()
    ]


def _numbers(prediction: Prediction, key: str, order: list[int]) -> list[int]:
    values = prediction.keys[key]
    try:
        return [int(values[row]) for row in order]
    except ValueError as error:
        raise SubmissionError(
            f"{prediction.file.name}: {key} is no whole number: {error}"
        ) from None
