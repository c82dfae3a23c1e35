"""The labels that data hold: which there are, and whether they are labels at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError
from glueharness.authoring.datafiles import label_word, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MANY = 200
"""More labels than these are texts that somebody took for labels."""
LARGEST_SCORE = 1e15
"""The largest score that a record keeps."""
_FEW = 10
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Labels:
    """What the labels of the data are.

    Attributes:
        counts: How each is written to how often it occurs in the training data.
        low: The lowest of them, if all are numbers and one is no whole number; else None.
        high: The highest of them.
    """

    counts: Mapping[str, int]
    low: float | None = None
    high: float | None = None

    @property
    def told(self) -> str:
        """The labels with their number of training rows."""
        if self.low is not None:
            return f"numbers from {self.low:g} to {self.high:g}: a regression"
        items = [f"{word} ({count:,})" for word, count in self.counts.items()]
        more = f", … ({len(items)} labels)" if len(items) > _SHOWN else ""
        return ", ".join(items[:_SHOWN]) + more


def find_labels(
    values: Iterable[tuple[str, str, Any]], field: str, choices: tuple[str, ...], where: str
) -> Labels:
    """The labels, in the order of their numbers or names.

    Args:
        values: Of each row its split, its place and its label.
        field: Name of the labels' field.
        choices: The fields with choices, for multiple choice.
        where: The training data, for messages.

    Raises:
        ConfigError: They are no labels.
    """
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    numbers: list[float] = []
    for split, place, value in values:
        word = label_word(value)
        if word is None or not word:
            raise ConfigError(f"the label ({field}) is {shown(value)}", where=place)
        counts[word] = counts.get(word, 0) + (split == "train")
        first.setdefault(word, place)
        number = _number(word)
        if number is not None:
            numbers.append(number)
        if len(counts) > _MANY and len(numbers) < sum(counts.values()):
            raise ConfigError(
                f"the field {field!r} has more than {_MANY} values, such as {word!r}",
                where=place,
                remedy="Is it the label? Say which field is: --label FIELD.",
            )
    if choices:
        return _labels_of_choices(counts, choices, first)
    found = {word: _number(word) for word in counts}
    plain = [number for number in found.values() if number is not None]
    all_numbers = len(plain) == len(found)
    if len(counts) < 2 or (all_numbers and min(plain) == max(plain)):
        raise ConfigError(
            f"the field {field!r} is {next(iter(counts))!r} in each row",
            where=where,
            remedy="Is it the label? Say which field is: --label FIELD.",
        )
    if len(counts) > _MANY or (all_numbers and not all(map(float.is_integer, plain))):
        _require_range(counts, first, field)
        return Labels(counts, min(plain), max(plain))
    if len(counts) > _FEW and max(counts.values()) < 2:
        raise ConfigError(
            f"the field {field!r} is another one in each row",
            where=where,
            remedy="Is it the label? Say which field is: --label FIELD.",
        )
    _require_learnable(counts, first, field, where)
    ordered = sorted(counts, key=lambda word: (_number(word) is None, _number(word) or 0.0, word))
    return Labels({word: counts[word] for word in ordered})


def _require_range(words: Iterable[str], first: Mapping[str, str], field: str) -> None:
    """Refuse a score that no record keeps.

    Raises:
        ConfigError: With the place of the first row that has it.
    """
    for word in words:
        number = _number(word) or 0.0
        if abs(number) > LARGEST_SCORE:
            raise ConfigError(
                f"the score ({field}) is {number:g}, beyond {LARGEST_SCORE:g}", where=first[word]
            )


def _require_learnable(
    counts: Mapping[str, int], first: Mapping[str, str], field: str, where: str
) -> None:
    """Refuse a label that only dev has: it is a slip, or nothing could learn it.

    Raises:
        ConfigError: With the place of the first row that has it.
    """
    for word, count in counts.items():
        if not count:
            raise ConfigError(
                f"the label ({field}) is {word!r}, and no training row has it",
                where=first[word],
                remedy=f"Correct it; or add training rows that have it to {where}.",
            )


def _labels_of_choices(
    counts: Mapping[str, int], choices: tuple[str, ...], first: Mapping[str, str]
) -> Labels:
    """Which choice each label means: numbers count them, from 0 or 1; names are those of fields.

    Raises:
        ConfigError: They are neither.
    """
    for start in (0, 1):
        words = [str(start + number) for number in range(len(choices))]
        if set(counts) <= set(words):
            return Labels({word: counts.get(word, 0) for word in words})
    if set(counts) <= set(choices):
        return Labels({word: counts.get(word, 0) for word in choices})
    listing = ", ".join(sorted(counts)[:_SHOWN])
    known = {str(number) for number in range(len(choices) + 1)} | {*choices}
    odd = next((word for word in counts if word not in known), next(iter(counts)))
    raise ConfigError(
        f"the labels are {listing}, which do not say which of the {len(choices)} choices is right",
        where=first[odd],
        remedy="They must be the choices' numbers or the names of their fields; write any others "
        "below [source.labels] in a task file.",
    )


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
