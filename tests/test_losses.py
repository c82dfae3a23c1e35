"""The dev loss of a run, what its scores are, and what it took."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import log_loss, mean_squared_error

from glueharness import LABEL_COLUMN, ModelError, ModelSpec, SpecError
from glueharness.cli.learning_curve import learning_curve
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.record import EpochRecord
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.one_run import run
from glueharness.scoring.losses import mean_loss
from glueharness.settings.fields import Layer
from glueharness.testing.material import make_task
from tests.native_tools import needs_library

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord

PAIR = make_task("pair")
SCORE = make_task("score")


def train(folder: Path, task: str = "rte", **values: Any) -> RunRecord:
    given = {"data": "sample", "runs_dir": str(folder), **values}
    registry = Registry(load_plugins())
    return run(
        build_config(task, [Layer(origin=COMMAND_LINE, values=given)], registry), registry
    ).record


def softmax(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shifted = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def test_the_loss_of_logits_and_probabilities_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    labels = list(PAIR.labels)
    truth = [labels[number] for number in draw.integers(len(labels), size=50)]
    logits = draw.normal(scale=4, size=(50, len(labels))).astype(np.float32)
    order = [labels.index(name) for name in sorted(labels)]
    expected = log_loss(truth, softmax(logits)[:, order], labels=sorted(labels))
    assert mean_loss(logits, truth, PAIR, "logits") == pytest.approx(expected, rel=1e-9)
    shares = softmax(logits).astype(np.float32)
    assert mean_loss(shares, truth, PAIR, "probabilities") == pytest.approx(expected, rel=1e-5)


def test_large_logits_have_a_loss_and_a_certain_error_a_finite_one() -> None:
    first, second = PAIR.labels[:2]
    far = np.zeros((1, len(PAIR.labels)), dtype=np.float32)
    far[0, 0] = 1e30
    assert mean_loss(far, [first], PAIR, "logits") == 0
    assert mean_loss(far, [second], PAIR, "logits") is None  # beyond what a record keeps
    sure = np.zeros((1, len(PAIR.labels)), dtype=np.float32)
    sure[0, 0] = 1
    loss = mean_loss(sure, [second], PAIR, "probabilities")
    assert loss == pytest.approx(-np.log(np.finfo(np.float32).eps))


def test_other_scores_have_no_loss() -> None:
    scores = np.ones((1, len(PAIR.labels)), dtype=np.float32)
    assert mean_loss(scores, [PAIR.labels[0]], PAIR, "margins") is None
    assert mean_loss(scores, [PAIR.labels[0]], PAIR, "not known") is None
    assert mean_loss(scores, ["hidden"], PAIR, "logits") is None


def test_a_regression_has_the_squared_error_whatever_its_model_says() -> None:
    scores, truth = np.array([1.5, -2, 9], dtype=np.float32), [1.0, 2.5, 4.0]
    expected = mean_squared_error(truth, scores)
    assert mean_loss(scores, truth, SCORE, "not known") == pytest.approx(expected)


def test_scores_that_are_no_probabilities_are_refused() -> None:
    scores = np.full((2, len(PAIR.labels)), 1 / len(PAIR.labels), dtype=np.float32)
    scores[1] = 3
    with pytest.raises(ModelError, match="those of row 1 are 3"):
        mean_loss(scores, [PAIR.labels[0]] * 2, PAIR, "probabilities")


def test_a_kind_of_scores_that_there_is_not_is_refused() -> None:
    kind: Any = "logit"
    never: Any = print
    with pytest.raises(SpecError, match="score_kind must be one of logits, probabilities, margins"):
        ModelSpec(name="m", description="M.", factory=never, score_kind=kind)


@pytest.mark.parametrize(
    "engine",
    [pytest.param("native", marks=needs_library), pytest.param("torch", marks=pytest.mark.slow)],
)
def test_a_run_keeps_the_loss_of_each_epoch_and_what_it_took(tmp_path: Path, engine: str) -> None:
    options = {"epochs": "3", "limit_train": "64", "engine": engine, "precision": "fp32"}
    record = train(tmp_path, model="bert-tiny", threads="1", **options)
    stored = pq.read_table(tmp_path / record.id / "predictions" / "dev.parquet")
    labels = [name for name in stored.column_names if name.startswith("score:")]
    scores = np.stack([stored[name].to_numpy() for name in labels], axis=1)
    names = [name.removeprefix("score:") for name in labels]
    order = np.argsort(names)
    truth = stored[LABEL_COLUMN].to_pylist()
    expected = log_loss(truth, softmax(scores)[:, order], labels=sorted(names))
    assert record.losses["dev"] == pytest.approx(expected, rel=1e-6)
    best = max(record.history, key=lambda epoch: epoch.primary)
    assert best.losses == record.losses
    assert all(epoch.losses for epoch in record.history)
    assert record.score_kind == "logits"
    took = record.measured
    assert took is not None
    assert took.steps is not None
    assert took.steps == record.history[-1].values["step"]
    assert took.steps % 3 == 0
    assert took.steps > 0
    told = [epoch.values["loss"] for epoch in record.history]
    assert took.train_loss == pytest.approx(np.mean([loss for loss in told if loss is not None]))
    speed = record.notes["speed"]
    assert speed["steps"] == took.steps
    seconds = speed["seconds"] - speed["seconds_of_scoring"]
    assert took.train_rows_per_second == pytest.approx(3 * 64 / seconds, rel=1e-3)
    scoring = speed["seconds_of_scoring"] / speed["rows_scored"]
    tokenizing = speed["seconds_of_tokenizing"] / speed["rows_tokenized"]
    assert tokenizing > 0
    assert took.predict_rows_per_second == pytest.approx(1 / (scoring + tokenizing), rel=1e-3)
    assert took.dev_rows_per_second is None
    assert took.parameters == record.notes["parameters"]
    # Where it is known, it is what a process with such a model can be.
    assert took.peak_memory_bytes is None or 2e7 < took.peak_memory_bytes < 2e10
    assert read_record(tmp_path / record.id) == record


def test_baselines_say_what_their_scores_are(tmp_path: Path) -> None:
    margins = train(tmp_path, model="tfidf")
    assert (margins.score_kind, margins.losses) == ("margins", {})
    shares = train(tmp_path, model="majority")
    assert shares.score_kind == "probabilities"
    assert 0 < shares.losses["dev"] < 1
    values = train(tmp_path, task="stsb", model="tfidf")
    assert values.score_kind == "values"
    assert values.losses["dev"] > 0
    assert values.measured is not None
    assert values.measured.parameters
    assert values.measured.train_rows_per_second
    assert values.measured.predict_rows_per_second


def test_a_record_of_before_says_that_it_does_not_know(tmp_path: Path) -> None:
    record = train(tmp_path, model="majority")
    path = tmp_path / record.id / RUN_FILE
    values = json.loads(path.read_text(encoding="utf-8"))
    for name in ("losses", "score_kind", "measured"):
        del values[name]
    path.write_text(json.dumps(values), encoding="utf-8")
    old = read_record(tmp_path / record.id)
    assert (old.losses, old.score_kind, old.measured) == ({}, "not known", None)
    assert old.metrics == record.metrics


def history(*points: tuple[float, float, float]) -> list[EpochRecord]:
    return [
        EpochRecord(
            epoch=number,
            primary=primary,
            metrics={},
            losses={"dev": dev},
            values={"loss": loss},
        )
        for number, (loss, dev, primary) in enumerate(points, 1)
    ]


CURVE = history((0.7, 0.69, 0.5), (0.5, 0.6, 0.7), (0.2, 0.8, 0.65))


@pytest.mark.parametrize("width", [20, 40, 80, 100, 160, 400])
def test_the_curve_fits_into_the_terminal(width: int) -> None:
    text = learning_curve(CURVE, width)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= max(width, 36)
    drawn = "".join(line.partition("|")[2] for line in text.splitlines())
    if width < 100:  # else the scale of the right one stands among them
        assert drawn.count("*") + drawn.count("&") == 3
        assert drawn.count("o") + drawn.count("&") == 3 + 3


def test_the_curve_shows_where_things_are() -> None:
    loss, points = learning_curve(CURVE, 60).split("\n\n")
    rows = loss.splitlines()
    assert rows[0].split() == ["loss:", "*", "train", "o", "dev", "&", "both"]
    assert rows[1].startswith("0.8 |")
    assert rows[1].endswith("o")  # dev is highest at the end
    assert rows[9].startswith("0.2 |")
    assert rows[9].endswith("*")  # and training lowest
    assert rows[-1].split() == ["1", "2", "3"]
    assert "70 |" in points
    assert "50 |o" in points


def test_a_single_epoch_is_no_curve_and_a_constant_one_no_error() -> None:
    assert learning_curve(CURVE[:1], 80) == ""
    assert learning_curve(history((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), 80)
    bare = [dataclasses.replace(epoch, losses={}, values={"loss": None}) for epoch in CURVE]
    assert "loss" not in learning_curve(bare, 80)
    assert len(learning_curve(CURVE * 200, 80).splitlines()) > 10
