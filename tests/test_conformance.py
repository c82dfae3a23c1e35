"""Our own plugins pass the suites that a stranger's must pass; and the suites can fail."""

from __future__ import annotations

import unittest
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from glueharness import ACCURACY, CsvForm, DataOptions, ModelError, ModelSpec, csv_source, metric
from glueharness.plugin.registry import Registry
from glueharness.testing import (
    ModelConformance,
    SourceConformance,
    TaskConformance,
    WriterConformance,
)
from glueharness.testing.checking import check_plugin, plugins_of, run_suite
from tests.finetune_tools import write_checkpoint
from tests.small_task import parity, rows, small_plugins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

REGISTRY = Registry()


class TestQnli(TaskConformance):
    task = REGISTRY.task("qnli")


@pytest.mark.parametrize("name", [name for name in REGISTRY.tasks.items if name != "qnli"])
def test_each_other_task_conforms(name: str) -> None:
    given = {"task": REGISTRY.task(name), "registry": REGISTRY}
    outcomes = list(run_suite(name, TaskConformance, given))
    assert [outcome for outcome in outcomes if outcome.result == "failed"] == []
    assert len([outcome for outcome in outcomes if outcome.result == "passed"]) >= 8


class TestBertTiny(ModelConformance):
    model = REGISTRY.models.get("bert-tiny")
    settings: ClassVar[Mapping[str, Any]] = {"epochs": 1, "batch_size": 16}
    forms = ("pair",)


def test_any_encoder_of_a_folder_conforms(tmp_path: Path) -> None:
    given = {
        "model": REGISTRY.models.get("hf"),
        "argument": str(write_checkpoint(tmp_path / "encoder")),
        "settings": {"epochs": 1, "batch_size": 16, "threads": 1, "precision": "fp32"},
        "registry": REGISTRY,
    }
    outcomes = list(run_suite("hf", ModelConformance, given))
    assert [outcome for outcome in outcomes if outcome.result == "failed"] == []
    left_out = [outcome.check for outcome in outcomes if outcome.result == "skipped"]
    assert left_out == ["it learns labels by name"]  # one epoch does not suffice


class TestMajority(ModelConformance):
    model = REGISTRY.models.get("majority")
    tolerance = 0.0


class TestTfidf(ModelConformance):
    model = REGISTRY.models.get("tfidf")
    learns = True


class TestGlueWriter(WriterConformance):
    writer = REGISTRY.writers.get("glue")


class TestSampleSource(SourceConformance):
    source = REGISTRY.sources.get("sample")
    task = REGISTRY.task("qnli")


class TestFolderSource(SourceConformance):
    source = REGISTRY.sources.get("dir")
    task = REGISTRY.task("rte")

    def prepare(self, folder: Path) -> DataOptions:
        (folder / "RTE").mkdir(exist_ok=True)
        for name in ("train", "dev", "test"):
            labelled = name != "test"
            lines = ["index\tsentence1\tsentence2" + ("\tlabel" if labelled else "")]
            for row in range(8):
                label = f"\t{self.task.labels[row % 2]}" if labelled else ""
                lines.append(f'{row}\tIt is "number {row}.\tIs it {row}?{label}')
            text = "\n".join(lines) + "\n"
            (folder / "RTE" / f"{name}.tsv").write_text(text, encoding="utf-8")
        return DataOptions(folder=folder, offline=True)


class TestCsvSource(SourceConformance):
    task = parity()
    source = csv_source(form=CsvForm(files={"dev": "dev set.csv"}, columns={"label": "kind"}))

    def prepare(self, folder: Path) -> DataOptions:
        for file in ("train.csv", "dev set.csv", "test.csv"):
            table = rows(10)
            lines = ["text,kind,remark", *(
                f'"{text}",{label},"a ""quote"", a comma"'
                for text, label in zip(table["text"], table["label"], strict=True)
            )]  # fmt: skip
            (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return DataOptions(folder=folder)


def failures(suite: type[Any], **given: Any) -> dict[str, str]:
    """Failed checks and their reasons."""
    return {
        outcome.check: outcome.reason
        for outcome in run_suite("it", suite, given)
        if outcome.result == "failed"
    }


def constant(references: Sequence[Any], predictions: Sequence[Any]) -> float:
    return 1.0 if len(references) == len(predictions) else 0.0


@pytest.mark.parametrize(
    ("changes", "check", "reason"),
    [
        ({"title": " "}, "facts are complete", "title is empty"),
        (
            {"metrics": (replace(ACCURACY, factory=lambda _: ACCURACY.factory(parity())),)},
            "it can be sent to another process",
            "top level",
        ),
        (
            {"metrics": (metric("constant", "Constant", constant),)},
            "metrics know right from wrong",
            "no less than perfect",
        ),
        (
            {"metrics": (metric("accuracy", "A", constant, bounds=(0.0, 0.5)),)},
            "metrics know right from wrong",
            "outside of its bounds",
        ),
        ({"columns": ("text", "missing")}, "every split is what the task says", "lacks missing"),
        ({"labels": ("even", "odd", "imaginary"), "submission": ()}, "every label occurs", "imag"),
        ({"writer": "abacus"}, "the submission can be written and read back", "abacus"),
    ],
)
def test_a_wrong_task_fails(changes: dict[str, Any], check: str, reason: str) -> None:
    registry = Registry(small_plugins())
    good: dict[str, Any] = {"registry": registry, "model": "oracle"}
    assert failures(TaskConformance, task=parity(licence="CC0"), **good).keys() <= {
        "it can be sent to another process"  # its metric is a lambda
    }
    found = failures(TaskConformance, task=parity(**{"licence": "CC0", **changes}), **good)
    assert reason in found[check]


class Wrong:
    """A model that is wrong in the way asked for."""

    way: ClassVar[str] = ""

    def __init__(self, context: Any) -> None:
        self.outputs = context.task.num_outputs
        self.regression = context.task.regression
        self.calls = 0

    def fit(self, train: Any, dev: Any, context: Any) -> None:
        """Nothing to learn."""

    def predict(self, split: Any) -> Any:
        """Scores from the lengths of the texts of all columns."""
        self.calls += 1
        names = [name for name in split.column_names if name not in {"index", "label"}]
        seen = names[:1] if self.way == "column" else names
        texts = [[len(text) % 97 for text in split[name]] for name in seen]
        base = np.array(texts, dtype=np.float32).reshape(len(seen), -1).sum(axis=0)
        if self.way == "batch" and len(base):
            base = base - base.mean()
        if self.way == "drift":
            base = base + self.calls
        if self.way == "sorted":
            base = np.sort(base)
        if self.way == "labels" and "label" in split.column_names:
            base = base + 1
        if self.way == "empty" and not len(base):
            raise ValueError("zero-size array")
        scores = np.stack([base * (k + 1) for k in range(self.outputs)], axis=1)
        if self.way == "dtype":
            return (scores[:, 0] if self.regression else scores).astype(np.float64)
        return scores[:, 0] if self.regression else scores

    def save(self, folder: Path) -> None:
        """Leave a mark."""
        (folder / ("model.pkl" if self.way == "pickle" else "model.txt")).write_text("here")

    def load(self, folder: Path) -> None:
        """Look for it."""
        from glueharness import ModelError

        if self.way != "careless" and not list(folder.iterdir()):
            raise ModelError("nothing there")


@pytest.mark.parametrize(
    ("way", "check"),
    [
        ("dtype", "scores have the right form"),
        ("drift", "predicting changes nothing"),
        ("batch", "a row scores alone as in company"),
        ("sorted", "rows keep their order"),
        ("empty", "no rows get no scores"),
        ("column", "every column is seen"),
        ("labels", "unlabelled rows are predicted"),
        ("pickle", "saved and loaded it is the same"),
        ("careless", "a folder without a model is refused"),
    ],
)
def test_a_wrong_model_fails(way: str, check: str) -> None:
    def suite(way: str) -> dict[str, str]:
        kind = type("WrongInOneWay", (Wrong,), {"way": way})
        return failures(ModelConformance, model=ModelSpec(name="w", description="W", factory=kind))

    assert not suite("")
    assert check in suite(way)
    learning = failures(
        ModelConformance, model=ModelSpec(name="w", description="W", factory=Wrong), learns=True
    )
    assert "it learns labels by name" in learning


def classifier(*, refuses: bool) -> ModelSpec:
    """TF-IDF, but with no regression: refused, or not thought of."""
    tfidf = REGISTRY.models.get("tfidf")

    def make(context: Any) -> Any:
        if context.task.regression:
            if refuses:
                raise ModelError("there is no regression here")
            return Forgetful()
        return tfidf.factory(context)

    return replace(tfidf, factory=make)


class Forgetful:
    """A model that looks for labels where there are none."""

    def fit(self, *_: Any) -> None:
        """Fail."""
        raise ValueError("tuple.index(x): x not in tuple")


def test_a_form_that_a_model_refuses_is_left_out_of_every_check() -> None:
    assert not failures(ModelConformance, model=classifier(refuses=True), learns=True)


def test_a_training_that_fails_names_the_form_of_the_task() -> None:
    found = failures(ModelConformance, model=classifier(refuses=False), learns=True)
    said = "(training on the form 'score'; what a model cannot do it refuses with a ModelError)"
    assert said in found["it learns labels by name"]
    assert said in found["scores have the right form"]


class Sloppy:
    """A writer that is wrong in most ways."""

    def write(self, predictions: Sequence[Any], folder: Path) -> Sequence[Path]:
        """Write rows as they come, with the operating system's worst line ends."""
        (folder / "notes.part").write_text("scratch")
        path = folder / predictions[0].file.name
        path.write_bytes("\r\n".join(map(str, predictions[0].values)).encode("utf-16"))
        return [path]


def test_a_wrong_writer_fails() -> None:
    from glueharness import WriterSpec

    found = failures(WriterConformance, writer=WriterSpec(name="s", description="", factory=Sloppy))
    assert set(found) == {
        "facts are complete", "nothing else is left behind", "the text is plain",
        "the order of rows does not matter", "incomplete predictions are refused",
    }  # fmt: skip


def test_a_suite_that_was_inherited_is_run_whole() -> None:
    class Mine(ModelConformance):
        def test_of_my_own(self) -> None:
            raise AssertionError("mine")

    model = REGISTRY.models.get("majority")
    checks = [outcome.check for outcome in run_suite("m", Mine, {"model": model})]
    assert len(checks) > 12
    assert failures(Mine, model=model) == {"of my own": "mine"}


def test_skips_are_understood_by_pytest() -> None:
    class Family(ModelConformance):
        model = ModelSpec(name="f", description="A family.", factory=Wrong, family=True)

    with pytest.raises(unittest.SkipTest, match="family"):
        Family().test_scores_have_the_right_form()


def test_a_plugin_is_checked_by_name_without_a_test_file() -> None:
    (status,) = plugins_of("baselines", REGISTRY)
    outcomes = list(check_plugin(status, REGISTRY))
    assert [outcome for outcome in outcomes if outcome.result == "failed"] == []
    subjects: Mapping[str, int] = {outcome.subject: 1 for outcome in outcomes}
    assert set(subjects) == {"plugin baselines", "model majority", "model tfidf"}
    names = {status.name for status in plugins_of("GLUEHARNESS", REGISTRY)}
    assert {"glue", "bert", "submission"} <= names
