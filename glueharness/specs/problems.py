"""What the columns, splits and labels of a task cannot be, each with what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from glueharness.specs.data import INDEX_COLUMN, LABEL_COLUMN, Role
from glueharness.specs.file_names import file_name_problem, has_control

if TYPE_CHECKING:
    from glueharness.specs.data import SplitSpec

_MOST_ROWS = 10**12
_LONGEST = 1000


def problems_of_columns(
    columns: tuple[str, ...], choices: tuple[str, ...], labels: tuple[str, ...]
) -> list[str]:
    """Columns that the model cannot see, or that contradict each other.

    Args:
        columns: The text columns, those of the choices last.
        choices: The columns that are choices; empty but in a task of multiple choice.
        labels: The task's labels.
    """
    # A column's name is also an option of `predict` and a heading in files.
    taken = {LABEL_COLUMN, INDEX_COLUMN, "help"}
    found = [
        f"a column cannot be called {column!r}; use one word"
        for column in columns
        if not column.isidentifier() or column in taken
    ]
    if choices:
        found += _problems_of_choices(columns, choices, labels)
    elif len(columns) not in {1, 2}:
        found.append(
            f"columns must be one or two, not {len(columns)}; a task of multiple choice says which "
            "of them are its choices"
        )
    if len(set(columns)) != len(columns):
        found.append("two columns have the same name")
    return found


def _problems_of_choices(
    columns: tuple[str, ...], choices: tuple[str, ...], labels: tuple[str, ...]
) -> list[str]:
    found = []
    context = columns[: len(columns) - len(choices)]
    if columns[len(context) :] != choices:
        found.append(
            "the choices must be the last of the columns, in their order: " + ", ".join(choices)
        )
    elif len(context) not in {1, 2}:
        found.append(f"before the choices, columns must be one or two, not {len(context)}")
    if len(labels) != len(choices):
        found.append(
            f"each choice needs a label that says that it is right: there are {len(choices)} "
            f"choices and {len(labels)} labels"
        )
    return found


def problems_of_splits(splits: tuple[SplitSpec, ...]) -> list[str]:
    """Splits with a name, a role or a number of rows that cannot be."""
    roles = get_args(Role)
    found = [
        f"split {split.name!r} has the role {split.role!r}; roles are {', '.join(roles)}"
        for split in splits
        if split.role not in roles
    ]
    found += [
        f"split {split.name!r} cannot have {split.rows!r} rows; rows is 1 or more, or None"
        for split in splits
        if split.rows is not None
        and (
            not isinstance(split.rows, int)
            or isinstance(split.rows, bool)
            or not 1 <= split.rows <= _MOST_ROWS
        )
    ]
    found += [
        f"the name of split {split.name!r}, which is also a file's, {problem}"
        for split in splits
        if (problem := file_name_problem(split.name))
    ]
    if len({split.name for split in splits}) != len(splits):
        found.append("two splits have the same name")
    return found


def problems_of_labels(labels: tuple[str, ...]) -> list[str]:
    """Labels that are too few, the same, or cannot be seen."""
    found = []
    if len(labels) == 1 or len(set(labels)) != len(labels):
        found.append("labels must be at least two different names, or none for a regression")
    # They stand in tables and in the lines of files.
    found += [
        f"a label cannot be {label!r}: it has to be seen, and to stand in one line"
        for label in labels
        if not label.strip() or has_control(label)
    ]
    found += [
        f"the label {label[:20]!r}… has more than {_LONGEST} characters"
        for label in labels
        if len(label) > _LONGEST
    ]
    return found
