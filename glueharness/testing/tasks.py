"""The test suite for tasks."""

from __future__ import annotations

import pickle
import random
from typing import TYPE_CHECKING, Any, ClassVar

from glueharness.data.opening import open_data
from glueharness.data.table import Table, check, fingerprint, head, labelled, row_numbers
from glueharness.errors import DataError, SourceUnavailable
from glueharness.scoring.scorer import computed
from glueharness.specs import LABEL_COLUMN, Checker, DataOptions, ModelContext, Prediction
from glueharness.testing.expect import expect, expect_error, skip
from glueharness.testing.installed import expect_cheap_description, installed
from glueharness.testing.material import TrialContext, made_up_keys, trial_folder
from glueharness.testing.models import learner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.specs import Split, SubmissionFile, TaskData, TaskSpec

_ROWS = 400
_CLOSE = 1e-6


class TaskConformance:
    """Tests a task. Inherit from this class and set its attributes.

    Attributes:
        task: The task.
        data: Where its data come from; the network is not used.
        model: A quick model that must see every column of the task.
        registry: Where writers, sources and the model are looked up; the installed plugins if
            it is not given.
    """

    task: ClassVar[TaskSpec]
    data: ClassVar[DataOptions] = DataOptions(offline=True)
    model: ClassVar[str] = "tfidf"
    registry: ClassVar[Registry | None] = None
    _loaded: ClassVar[dict[str, Split]]

    def __init_subclass__(cls) -> None:
        """Each suite keeps its own data."""
        super().__init_subclass__()
        cls._loaded = {}

    def test_facts_are_complete(self) -> None:
        """It has the facts that ``tasks show`` prints."""
        task = self.task
        for name in ("title", "description", "licence"):
            expect(getattr(task, name).strip(), f"{name} is empty")
        expect(task.description.rstrip().endswith((".", "?")), "description is no sentence")
        roles = {split.role for split in task.splits}
        expect("dev" in roles or task.trained_on, "no split has the role 'dev'")
        expect("train" in roles or task.trained_on, "no split has the role 'train'")
        expect(not task.submission or task.writer, "there is a submission, and no writer for it")

    def test_describing_it_is_cheap(self) -> None:
        """Its plugin imports nothing heavy until a run needs it."""
        expect_cheap_description(self._registry().tasks, self.task.name)

    def test_it_can_be_sent_to_another_process(self) -> None:
        """It can be pickled, which needs factories at the top level of a module."""
        try:
            copy = pickle.loads(pickle.dumps(self.task))  # noqa: S301 - made one line before
        except Exception as error:
            raise AssertionError(
                f"the task cannot be pickled ({error}): define its factories at the top level of "
                "a module; functools.partial may bind arguments to them"
            ) from error
        for name in ("name", "columns", "choices", "labels", "splits", "submission"):
            expect(getattr(copy, name) == getattr(self.task, name), f"{name} differs in a copy")

    def test_every_split_is_what_the_task_says(self) -> None:
        """Splits have the task's columns, texts and labels by name; train and dev have labels."""
        origin = self.open_data().origin
        for name in self._names():
            split = self._split(name)
            check(split, self.task, name=name, where=f"{origin.source}: {origin.location}")
            role = self.task.split(name).role
            expect(role == "test" or labelled(split), f"the {name} split has no labels")
            expected = self.task.split(name).rows
            expect(
                expected is None or origin.sample or len(split) <= expected,
                f"{name} has {len(split)} rows; the task says {expected}",
            )

    def test_the_rows_are_numbered(self) -> None:
        """An index column, if there is one, has each number once."""
        for name in self._names():
            numbers = row_numbers(self._split(name))
            expect(len(set(numbers)) == len(numbers), f"{name}: two rows have the same index")
            expect(min(numbers) >= 0, f"{name}: an index is negative")

    def test_every_label_occurs(self) -> None:
        """Each label has a training row; others cannot be learned."""
        for split in self.task.splits_of("train"):
            if split.name in self._names() and self.task.labels:
                seen = set(self._split(split.name)[LABEL_COLUMN])
                missing = [label for label in self.task.labels if label not in seen]
                expect(not missing, f"no row of {split.name} is labelled {', '.join(missing)}")

    def test_reading_twice_gives_the_same(self) -> None:
        """The rows' fingerprint does not change."""
        name = self._names()[0]
        again = self.open_data().load(name)
        expect(
            fingerprint(again, self.task) == fingerprint(self._split(name), self.task),
            f"{name} read twice is not the same",
        )

    def test_every_column_reaches_the_model(self) -> None:
        """Changing the texts of one column changes what a model predicts."""
        train = head(self._first("train"), _ROWS)
        dev = head(self._first("dev"), _ROWS)
        model = self._quick_model(train, dev)
        before = model.predict(dev)
        for column in self.task.columns:
            texts = list(dev[column])
            expect(len(set(texts)) > 1, f"all texts of {column} are the same")
            moved = Table(
                {**{name: dev[name] for name in dev.column_names}, column: texts[1:] + texts[:1]}
            )
            expect(
                (model.predict(moved) != before).any(),
                f"other texts in {column} change nothing: the model does not see this column",
            )

    def test_metrics_know_right_from_wrong(self) -> None:
        """Perfect predictions reach the upper bound, wrong ones do not; all stay within bounds."""
        truth = self._truth()
        wrong = self._wrong(truth)
        # As of questions with as many rows each as there are labels.
        units = [str(row // max(2, len(self.task.labels))) for row in range(len(truth))]
        for spec in self.task.metrics:
            metric = spec.factory(self.task)

            def score(values: Sequence[Any], spec: Any = spec, metric: Any = metric) -> float:
                try:
                    value = computed(metric, spec.name, values, truth, units)
                except KeyError:
                    raise AssertionError(f"its answer lacks {spec.name}") from None
                low, high = spec.bounds
                expect(
                    low - _CLOSE <= value <= high + _CLOSE,
                    f"{spec.name} gave {value}, outside of its bounds {low} to {high}",
                )
                return value

            best = score(truth)
            expect(
                abs(best - spec.bounds[1]) < _CLOSE,
                f"{spec.name} of perfect predictions is {best}, not {spec.bounds[1]}",
            )
            expect(score(wrong) < best, f"{spec.name} of wrong predictions is no less than perfect")
            shuffled = random.Random(0).sample(list(truth), len(truth))  # noqa: S311 - no secret
            score(shuffled)
            score([truth[0]] * len(truth))

    def test_the_submission_can_be_written_and_read_back(self) -> None:
        """Each file of the submission is written, with a different text for each label."""
        if not self.task.submission:
            skip("the task has no submission (TaskSpec.writer, TaskSpec.submission)")
        writer = self._registry().writers.get(self.task.writer).factory()
        for file in self.task.submission:
            written = list(file.values.values())
            expect(len(set(written)) == len(written), f"{file.name}: two labels look the same")
        with trial_folder() as folder:
            predictions = [self._prediction(file) for file in self.task.submission]
            paths = writer.write(predictions, folder)
            for file in self.task.submission:
                expect(folder / file.name in paths, f"{file.name} was not written")
                text = (folder / file.name).read_text(encoding="utf-8")
                for value in file.values.values():
                    expect(value in text, f"{file.name} never says {value!r}")
                if isinstance(writer, Checker):
                    report = writer.check(folder / file.name, [self.task])
                    wrong = "; ".join(
                        f"{finding.where}: {finding.what}"
                        for part in report.files
                        if part.name == file.name
                        for finding in part.findings
                    )
                    expect(not wrong, f"its own writer refuses it: {wrong}")

    def test_bad_data_are_refused(self) -> None:
        """Unknown labels, missing columns and values that are not text cause clear errors."""
        dev = head(self._first("dev"), 5)
        columns = {name: list(dev[name]) for name in dev.column_names}
        label: Any = "no such label"
        for name, damaged in {
            "an unknown label": {**columns, LABEL_COLUMN: [label, *columns[LABEL_COLUMN][1:]]},
            "a missing column": {
                name: values for name, values in columns.items() if name != self.task.columns[0]
            },
            "a text that is none": {
                **columns, self.task.columns[0]: [None, *columns[self.task.columns[0]][1:]]
            },
        }.items():  # fmt: skip
            with expect_error(DataError, doing=name):
                check(Table(damaged), self.task, name="dev", where="a test")

    def open_data(self) -> TaskData:
        """The task's data; the check is skipped if they are not on this machine."""
        try:
            return open_data(self.task, self.data, self._registry().sources_for(self.task)).data
        except SourceUnavailable as reason:
            skip(f"the data of {self.task.name} are not here: {reason.what}")

    def _registry(self) -> Registry:
        return self.registry if self.registry is not None else installed()

    def _names(self) -> list[str]:
        available = set(self.open_data().available)
        names = [split.name for split in self.task.splits if split.name in available]
        expect(names, "the source has none of the task's splits")
        return names

    def _split(self, name: str) -> Split:
        if name not in self._loaded:
            self._loaded[name] = self.open_data().load(name)
        return self._loaded[name]

    def _first(self, role: Any) -> Split:
        names = [split.name for split in self.task.splits_of(role)]
        here = [name for name in names if name in self._names()]
        if not here:
            skip(f"there is no {role} split here")
        return self._split(here[0])

    def _quick_model(self, train: Split, dev: Split) -> Any:
        from glueharness.scoring.scorer import Scorer
        from glueharness.settings.fields import Layer
        from glueharness.settings.values import resolve

        if self.model not in self._registry().models.items:
            skip(f"the model {self.model!r} is not installed")
        spec = self._registry().models.get(self.model)
        recipe = Layer(origin="recipe", values=spec.recipe)
        settings = resolve(spec.settings, [recipe], owner=spec.name).settings
        model = spec.factory(ModelContext(task=self.task, settings=settings, seed=1, offline=True))
        name = self.task.splits_of("dev")[0].name
        with trial_folder() as folder:
            learner(model).fit(
                train, {name: dev}, TrialContext(folder, Scorer(self.task, {name: dev}))
            )
        return model

    def _truth(self) -> list[Any]:
        """Values as in a dev split, or made-up ones if there is no dev split."""
        if self.task.labels:
            return [*self.task.labels] * 6
        low, high = self.task.score_range or (0.0, 1.0)
        return [low + (high - low) * step / 11 for step in range(12)]

    def _wrong(self, truth: Sequence[Any]) -> list[Any]:
        if not self.task.labels:
            return list(reversed(truth))
        following = dict(
            zip(self.task.labels, [*self.task.labels[1:], self.task.labels[0]], strict=True)
        )
        return [following[label] for label in truth]

    def _prediction(self, file: SubmissionFile) -> Prediction:
        rows = self.task.split(file.split).rows or 12
        truth = self._truth()
        values = [truth[row % len(truth)] for row in range(rows)]
        return Prediction(
            task=self.task, file=file, index=range(rows), values=values, run="trial",
            keys=made_up_keys(file, rows),
        )  # fmt: skip
