"""Rows and splits of the bundled sample, and how they are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from glueharness_glue.sample.draw import Draw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Example: TypeAlias = dict[str, str | float]
"""Texts by column name, and ``label``: a label name, or a score from 0 to 5."""

Row: TypeAlias = dict[str, str | float | int]
"""An example with its ``index``; a row of a test split has no ``label``."""

Splits: TypeAlias = dict[str, list[Row]]
"""Rows by split name; ``index`` counts from 0 in each split."""

_ATTEMPTS = 10_000


def capitalised(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[0].upper() + text[1:]


def build(
    task: str,
    sizes: Mapping[str, int],
    unique: tuple[str, ...],
    make: Callable[[Draw, int], Example],
) -> Splits:
    """Make the splits of a task.

    No combination of texts in the ``unique`` columns occurs twice in the whole task, so that no
    model can do well on dev by remembering train.

    Args:
        task: Name of the task; with the split's name it seeds the choices.
        sizes: Rows by split name.
        unique: The columns whose texts, taken together, must differ.
        make: Makes an example from a stream of choices and its position in the split, before
            shuffling; the position is there to balance labels exactly.

    Raises:
        RuntimeError: The generator has run out of different texts.
    """
    seen: set[tuple[str | float, ...]] = set()
    splits: Splits = {}
    for split, size in sizes.items():
        draw = Draw(f"{task} {split}")
        examples = [_new_example(draw, position, make, (unique, seen)) for position in range(size)]
        splits[split] = [
            _row(example, index, labelled=not split.startswith("test"))
            for index, example in enumerate(draw.shuffled(examples))
        ]
    return splits


def _new_example(
    draw: Draw,
    position: int,
    make: Callable[[Draw, int], Example],
    known: tuple[tuple[str, ...], set[tuple[str | float, ...]]],
) -> Example:
    columns, seen = known
    for _ in range(_ATTEMPTS):
        example = make(draw, position)
        texts = tuple(example[column] for column in columns)
        if texts not in seen:
            seen.add(texts)
            return example
    raise RuntimeError(f"nothing new in {_ATTEMPTS} attempts: the word lists are too short")


def _row(example: Example, index: int, *, labelled: bool) -> Row:
    row: Row = {"index": index, **example}
    if not labelled:
        del row["label"]
    return row
