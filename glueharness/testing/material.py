"""Small tasks and data that the suites make themselves, so that any plugin can be tested."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.authoring import ACCURACY, metric
from glueharness.data.table import Table
from glueharness.specs import SplitSpec, SubmissionFile, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glueharness.scoring.scorer import Scorer
    from glueharness.specs import Evaluation, FloatArray, Progress

FORMS = ("pair", "single", "score")
"""Two texts and two labels; one text and three labels; two texts and a score."""
CHOICE = "choice"
"""Multiple choice: a text, and two others of which one goes with it; for models that know such."""

TRAIN_ROWS, DEV_ROWS, TEST_ROWS = 48, 18, 9
_CHOICES = ("ending1", "ending2")
_CUES = (
    ("harbour", "anchor", "sail", "tide"),
    ("orchard", "apple", "blossom", "ladder"),
    ("glacier", "summit", "rope", "snow"),
)
_FRAMES = ("the {} was seen near the {}", "she drew a {} beside the {}", "a {}, then one more {}")


def _closeness(references: Sequence[float], predictions: Sequence[float]) -> float:
    errors = [abs(a - b) for a, b in zip(references, predictions, strict=True)]
    return 1.0 - sum(errors) / (5.0 * len(errors))


CLOSENESS = metric("closeness", "Closeness", _closeness)


def make_task(form: str, *, labels_reversed: bool = False) -> TaskSpec:
    """A small task of one of the :data:`FORMS`.

    Args:
        form: The form, or :data:`CHOICE`.
        labels_reversed: Whether the labels are in the opposite order; of multiple choice they
            belong to the choices, in their order.
    """
    columns = {"single": ("text",), CHOICE: ("text", *_CHOICES)}.get(form, ("first", "second"))
    choices = _CHOICES if form == CHOICE else ()
    names = {"pair": ("sea", "garden"), "single": ("sea", "garden", "mountain")}.get(form, choices)
    labels = tuple(reversed(names)) if labels_reversed else names
    return TaskSpec(
        name=f"trial-{form}",
        title=f"Trial {form}",
        description="A task made for tests.",
        columns=columns,
        choices=choices,
        labels=labels,
        score_range=(0.0, 5.0) if form == "score" else None,
        splits=(
            SplitSpec(name="train", role="train", rows=TRAIN_ROWS),
            SplitSpec(name="dev", role="dev", rows=DEV_ROWS),
            SplitSpec(name="test", role="test", rows=TEST_ROWS),
        ),
        metrics=(CLOSENESS if form == "score" else ACCURACY,),
        submission=(
            SubmissionFile(
                name=f"Trial-{form}.tsv", split="test", values={name: name for name in names}
            ),
        ),
    )


def make_split(form: str, rows: int, *, start: int = 0) -> Table:
    """Rows whose texts all give the answer away, numbered from ``start`` so that splits differ."""
    if form == CHOICE:
        return _choice_split(range(start, start + rows))
    kinds = 3 if form == "single" else 2
    numbers = range(start, start + rows)
    texts = [[_sentence(number, number % kinds, place) for number in numbers] for place in (0, 1)]
    names = ("sea", "garden", "mountain")
    answers: list[Any] = [
        5.0 * (number % kinds) if form == "score" else names[number % kinds] for number in numbers
    ]
    columns = {"text": texts[0]} if form == "single" else {"first": texts[0], "second": texts[1]}
    return Table({"index": list(range(rows)), **columns, "label": answers})


def _choice_split(numbers: range) -> Table:
    """Rows of multiple choice: the right choice is of the sea, the other is not."""
    right = [number % 2 for number in numbers]
    sea = [_sentence(number, 0, 0) for number in numbers]
    land = [_sentence(number, 1, 1) for number in numbers]
    pairs = [(b, a) if second else (a, b) for a, b, second in zip(sea, land, right, strict=True)]
    return Table(
        {
            "index": list(range(len(numbers))),
            "text": [f"{_sentence(number, 2, 0)}, and then?" for number in numbers],
            _CHOICES[0]: [pair[0] for pair in pairs],
            _CHOICES[1]: [pair[1] for pair in pairs],
            "label": [_CHOICES[second] for second in right],
        }
    )


def _sentence(number: int, kind: int, place: int) -> str:
    cues = _CUES[kind]
    frame = _FRAMES[(number + place) % len(_FRAMES)]
    return frame.format(cues[(number // 2 + place) % 4], cues[(number // 3 + 2 * place) % 4])


def train_split(form: str) -> Table:
    """The training rows of a small task."""
    return make_split(form, TRAIN_ROWS)


def dev_split(form: str) -> Table:
    """The dev rows of a small task."""
    return make_split(form, DEV_ROWS, start=TRAIN_ROWS + 1)


def made_up_keys(file: SubmissionFile, rows: int) -> dict[str, list[str]]:
    """Values for the ``keys`` of a submission file: two rows each for all but the last key."""
    *outer, last = file.keys or ("",)
    if not outer:
        return {key: [str(row) for row in range(rows)] for key in file.keys}
    keys = {key: [str(row // 2) for row in range(rows)] for key in outer}
    return {**keys, last: [str(row % 2) for row in range(rows)]}


def replaced(split: Table, **columns: Sequence[Any]) -> Table:
    """The split, with different values in some columns."""
    return Table({**{name: split[name] for name in split.column_names}, **columns})


def chosen(split: Table, rows: Sequence[int]) -> Table:
    """Some rows of a split, in the order given."""
    return Table({name: [split[name][row] for row in rows] for name in split.column_names})


@contextlib.contextmanager
def trial_folder() -> Iterator[Path]:
    """A temporary folder whose name has a space and a non-ASCII letter."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "a trial ü"
        folder.mkdir()
        yield folder


@dataclass(slots=True)
class TrialContext:
    """The :class:`glueharness.FitContext` of a model under test.

    Attributes:
        folder: For checkpoints.
        scorer: Scores the dev rows.
        resume: Whether to resume from ``folder``.
        epochs: What the model reported of its epochs.
        notes: What it noted.
        warnings: Its warnings.
    """

    folder: Path
    scorer: Scorer
    resume: bool = False
    epochs: list[tuple[int, Evaluation, dict[str, float]]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        """Score predictions of the dev rows."""
        return self.scorer.evaluate(predictions)

    def report(self, progress: Progress) -> None:
        """Ignore progress."""

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        """Keep it."""
        self.epochs.append((epoch, evaluation, dict(values)))

    def note(self, name: str, value: Any) -> None:
        """Keep it."""
        self.notes[name] = value

    def adjust(self, name: str, value: Any, origin: str) -> None:
        """Keep the value among the notes."""
        self.notes[f"adjusted {name}"] = (value, origin)

    def warn(self, message: str) -> None:
        """Keep it."""
        self.warnings.append(message)

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        """A region that nobody interrupts."""
        yield lambda: False
