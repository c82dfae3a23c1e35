"""The test suite for submission writers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from glueharness.errors import SubmissionError
from glueharness.specs import Prediction
from glueharness.testing.expect import expect, expect_error, skip
from glueharness.testing.installed import expect_cheap_description, installed
from glueharness.testing.material import TEST_ROWS, made_up_keys, make_task, trial_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.specs import TaskSpec, WriterSpec


_BINARY = (b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"PAR1")
"""How archives, images and tables begin; all other files are treated as text."""


class WriterConformance:
    """Tests a submission writer. Inherit from this class and set its attributes.

    Attributes:
        writer: The writer.
        tasks: Tasks whose submissions it must be able to write.
        strict: Whether it must refuse predictions with missing or repeated rows.
        registry: Where to look up the writer's plugin; by default the installed plugins.
    """

    writer: ClassVar[WriterSpec]
    tasks: ClassVar[Sequence[TaskSpec]] = tuple(map(make_task, ("pair", "single", "score")))
    strict: ClassVar[bool] = True
    registry: ClassVar[Registry | None] = None

    def test_facts_are_complete(self) -> None:
        """It has a description."""
        expect(self.writer.description.strip(), "description is empty")

    def test_describing_it_is_cheap(self) -> None:
        """Its plugin imports nothing heavy until it writes."""
        registry = self.registry if self.registry is not None else installed()
        expect_cheap_description(registry.writers, self.writer.name)

    def test_files_appear_where_it_says(self) -> None:
        """Every path that it returns is a file inside the folder, and not empty."""
        for task in self.tasks:
            with trial_folder() as folder:
                paths = self.write(self.predictions(task), folder)
                expect(paths, f"{task.name}: it wrote nothing")
                for path in paths:
                    expect(path.is_file(), f"{task.name}: {path.name} is no file")
                    expect(folder in path.parents, f"{path} is outside of the folder")
                    expect(path.stat().st_size > 0, f"{path.name} is empty")

    def test_nothing_else_is_left_behind(self) -> None:
        """It leaves no other files behind."""
        for task in self.tasks:
            with trial_folder() as folder:
                written = set(self.write(self.predictions(task), folder))
                others = {path for path in folder.rglob("*") if path.is_file()} - written
                names = ", ".join(sorted(path.name for path in others))
                expect(not others, f"{task.name}: it left {names} and did not say so")

    def test_the_text_is_plain(self) -> None:
        r"""UTF-8 with ``\n`` at the end of each line, whatever the operating system."""
        for task in self.tasks:
            for name, content in self._content(self.predictions(task)).items():
                if content.startswith(_BINARY):
                    continue
                try:
                    content.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise AssertionError(f"{name} is not UTF-8: {error}") from error
                expect(b"\r" not in content, f"{name} has carriage returns")

    def test_writing_twice_gives_the_same(self) -> None:
        """Writing again gives the same files, in the place of the first ones."""
        for task in self.tasks:
            predictions = self.predictions(task)
            first, second = self._content(predictions), self._content(predictions)
            for name, content in first.items():
                expect(second.get(name) == content, f"{name} is another file the second time")
            with trial_folder() as folder:
                self.write(predictions, folder)
                self.write(predictions, folder)

    def test_the_order_of_rows_does_not_matter(self) -> None:
        """Rows are written by their index, in whatever order they are given."""
        for task in self.tasks:
            straight = self.predictions(task)
            turned = [_turned(one) for one in straight]
            expect(
                self._content(straight) == self._content(turned),
                f"{task.name}: rows in another order give another submission",
            )

    def test_other_predictions_give_another_submission(self) -> None:
        """The predictions are in the submission."""
        for task in self.tasks:
            straight = self.predictions(task)
            other = [dataclasses.replace(one, values=_rotated(one)) for one in straight]
            expect(
                not self.strict or self._content(straight) != self._content(other),
                f"{task.name}: other predictions change nothing in the submission",
            )

    def test_incomplete_predictions_are_refused(self) -> None:
        """Missing or repeated rows cause an error, and no file is left."""
        if not self.strict:
            skip("the writer does not write row by row")
        for task in self.tasks:
            (one, *_) = self.predictions(task)
            rows = list(one.index)
            for what, index in {
                "a row is missing": [*rows[:-1], rows[-1] + 1],
                "a row is there twice": [*rows[:-1], rows[0]],
            }.items():
                with trial_folder() as folder:
                    with expect_error(SubmissionError, doing=what):
                        self.write([dataclasses.replace(one, index=index)], folder)
                    expect(not any(folder.iterdir()), f"{what}: it left a file behind")

    def predictions(self, task: TaskSpec) -> list[Prediction]:
        """Complete predictions for each file of a task's submission."""
        predictions = []
        for file in task.submission:
            rows = task.split(file.split).rows or TEST_ROWS
            choices: Sequence[Any] = task.labels or (1.25, 0.0, 3.5)
            values = [choices[row % len(choices)] for row in range(rows)]
            predictions.append(
                Prediction(
                    task=task, file=file, index=range(rows), values=values, run="trial-run",
                    keys=made_up_keys(file, rows),
                )
            )  # fmt: skip
        return predictions

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write with a writer made for it."""
        return self.writer.factory().write(predictions, folder)

    def _content(self, predictions: Sequence[Prediction]) -> Mapping[str, bytes]:
        with trial_folder() as folder:
            paths = self.write(predictions, folder)
            return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _turned(prediction: Prediction) -> Prediction:
    values: Any = list(reversed(prediction.values))
    return dataclasses.replace(
        prediction,
        index=list(reversed(prediction.index)),
        values=values,
        keys={key: list(reversed(told)) for key, told in prediction.keys.items()},
    )


def _rotated(prediction: Prediction) -> Any:
    return [*prediction.values[1:], prediction.values[0]]
