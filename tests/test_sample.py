"""The bundled sample: the same everywhere, balanced, and with no shortcut to the answer."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer

from glueharness_glue.sample import GENERATORS, Row, Splits, generate
from tests.native_tools import needs_library

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {
    "cola": ("sentence",),
    "sst2": ("sentence",),
    "mrpc": ("sentence1", "sentence2"),
    "stsb": ("sentence1", "sentence2"),
    "qqp": ("question1", "question2"),
    "mnli": ("premise", "hypothesis"),
    "qnli": ("question", "sentence"),
    "rte": ("sentence1", "sentence2"),
    "wnli": ("sentence1", "sentence2"),
    "ax": ("premise", "hypothesis"),
}
LABELS = {
    "cola": {"unacceptable", "acceptable"},
    "sst2": {"negative", "positive"},
    "mrpc": {"not_equivalent", "equivalent"},
    "qqp": {"not_duplicate", "duplicate"},
    "mnli": {"entailment", "neutral", "contradiction"},
    "qnli": {"entailment", "not_entailment"},
    "rte": {"entailment", "not_entailment"},
    "wnli": {"not_entailment", "entailment"},
}
SPLITS = {
    "mnli": ("train", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched"),
    "ax": ("test",),
}

# A change here changes the sample: every recorded score on it is then of other data.
SHA256 = {
    "cola": "f6cb9a4ee1387813662f938925792b8a53143420b7936bddfef3eac36818df06",
    "sst2": "3c4c95f934d99796e4b6a376d7de2fa0a99995fe30ff0607e78ab8271c334443",
    "mrpc": "f55cb2eda303168d29c9e95e054e35467f8864de03ece3e707719bfba2f07f41",
    "stsb": "c55944dd507b373652f100fb4e1310bff25ab913138a696e9fa914867d6c05d1",
    "qqp": "bdce28bb4b1668eb328dc4cd011423f63204ca4ff807da2439152dc5deec3de5",
    "mnli": "764be2b76277eefcd491c9af4049eae89d78db9e76c2ada35b239b2b23d0e955",
    "qnli": "1f2e500f895105d819b65060fbe18e6256549aa1419481d704a5660b5e99bfc7",
    "rte": "93a705e63e4f9d3118557aafcf40515a5fb95d8cf2f1b78874e0f5a2b7e6dbdb",
    "wnli": "2134b4019e50b5b7f6701aa7ea9228794f461f7bc30cc5e2917d9ef46df58b9d",
    "ax": "3a8a1d3191176dcb2fb091f14961297fb50de657e78324be25ac26ecd70e7072",
}


@pytest.fixture(scope="module")
def qnli() -> Splits:
    return generate("qnli")


def texts(row: Row, task: str) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in COLUMNS[task])


@pytest.mark.parametrize("task", GENERATORS)
def test_the_sample_is_the_same_everywhere(task: str) -> None:
    text = json.dumps(generate(task), ensure_ascii=True, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == SHA256[task]


def test_every_glue_task_has_a_sample() -> None:
    assert GENERATORS.keys() == COLUMNS.keys()


@pytest.mark.parametrize("task", GENERATORS)
def test_rows_have_the_form_of_the_task(task: str) -> None:
    splits = generate(task)
    assert tuple(splits) == SPLITS.get(task, ("train", "dev", "test"))
    for split, rows in splits.items():
        label = () if split.startswith("test") else ("label",)
        assert [row["index"] for row in rows] == list(range(len(rows)))
        for row in rows:
            assert set(row) == {"index", *COLUMNS[task], *label}
            for text in texts(row, task):
                assert text == text.strip()
                assert text[0].isupper()
                assert not set("{}\t\n") & set(text)
                assert "  " not in text


@pytest.mark.parametrize("task", LABELS)
def test_labels_are_known_and_balanced(task: str) -> None:
    for split, rows in generate(task).items():
        if split.startswith("test"):
            continue
        counts = Counter(row["label"] for row in rows)
        assert set(counts) == LABELS[task]
        assert max(counts.values()) - min(counts.values()) <= 1


def test_similarity_is_a_score_from_0_to_5() -> None:
    scores = {row["label"] for row in generate("stsb")["train"]}
    assert all(isinstance(score, float) for score in scores)
    assert min(scores) == 0.0
    assert max(scores) == 5.0
    assert len(scores) >= 5


@pytest.mark.parametrize("task", GENERATORS)
def test_no_pair_occurs_twice(task: str) -> None:
    pairs = [texts(row, task) for rows in generate(task).values() for row in rows]
    assert len(pairs) == len(set(pairs))


def test_qnli_is_large_enough_and_no_sentence_of_it_occurs_twice(qnli: Splits) -> None:
    assert len(qnli["train"]) >= 2000
    assert len(qnli["dev"]) >= 400
    assert len(qnli["test"]) >= 400
    sentences = [row["sentence"] for rows in qnli.values() for row in rows]
    assert len(sentences) == len(set(sentences))


def bag_of_words_accuracy(splits: Splits, model: Any, columns: tuple[str, ...]) -> float:
    """Dev accuracy, a fraction in [0, 1], of a linear model that sees the ``columns``."""

    def inputs(rows: list[Row]) -> list[list[str]]:
        return [[str(row[column]) for column in columns] for row in rows]

    train, dev = splits["train"], splits["dev"]
    model.fit(inputs(train), [row["label"] for row in train])
    return float(model.score(inputs(dev), [row["label"] for row in dev]))


def part(position: int) -> FunctionTransformer:
    return FunctionTransformer(lambda rows: [row[position] for row in rows])


def joined() -> FunctionTransformer:
    return FunctionTransformer(lambda rows: [" ".join(row) for row in rows])


@pytest.mark.parametrize("column", ["question", "sentence"])
def test_neither_half_of_a_qnli_pair_tells_the_label(qnli: Splits, column: str) -> None:
    model = make_pipeline(
        part(0), TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)
    )
    assert bag_of_words_accuracy(qnli, model, (column,)) <= 0.56


@pytest.mark.parametrize(
    ("halves", "vectorizer", "strength"),
    [
        ("apart", TfidfVectorizer, 10.0),
        ("joined", TfidfVectorizer, 1.0),
        ("joined", TfidfVectorizer, 10.0),
        ("joined", CountVectorizer, 1.0),
    ],
)
def test_no_weighting_of_words_solves_qnli(
    qnli: Splits, halves: str, vectorizer: Any, strength: float
) -> None:
    if halves == "apart":
        features = make_union(
            make_pipeline(part(0), vectorizer(ngram_range=(1, 2))),
            make_pipeline(part(1), vectorizer(ngram_range=(1, 2))),
        )
    else:
        features = make_pipeline(joined(), vectorizer(ngram_range=(1, 2)))
    model = make_pipeline(features, LogisticRegression(C=strength, max_iter=1000))
    assert bag_of_words_accuracy(qnli, model, ("question", "sentence")) <= 0.65


def test_every_sort_of_question_and_of_sentence_meets_both_labels(qnli: Splits) -> None:
    positive = Counter[str]()
    total = Counter[str]()
    for row in qnli["train"]:
        question, sentence = str(row["question"]), str(row["sentence"])
        for sort in (question.split(maxsplit=1)[0], f"answer in {sentence.split()[-2]}"):
            total[sort] += 1
            positive[sort] += row["label"] == "entailment"
    frequent = {sort for sort, count in total.items() if count >= 200}
    assert {"Who", "When", "Where", "How"} <= frequent
    assert all(0.4 <= positive[sort] / total[sort] <= 0.6 for sort in frequent)


def test_the_sample_needs_the_standard_library_only() -> None:
    code = (
        "import sys, glueharness_glue.sample as sample; sample.generate('qnli'); "
        "print([name for name in ('numpy', 'torch', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_task_has_no_sample() -> None:
    with pytest.raises(KeyError):
        generate("squad")


def learn(folder: Path, task: str, *given: str) -> list[tuple[str, float]]:
    """Train BERT-tiny on a task of the sample, from fresh weights; returns what each seed reached.

    Returns:
        Seed, split and metric in words, and the score in [-1, 1].
    """
    done = subprocess.run(
        [sys.executable, "-m", "glueharness", "run", task, "--model", "bert-tiny", "--offline",
         "--data", "sample", "--json", *given],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    return [
        (f"seed {record['seed']}, {split}, {metric}", value)
        for record in (found if isinstance(found, list) else [found])
        for split, scores in record["metrics"].items()
        for metric, value in scores.items()
    ]


def least(task: str) -> float:
    """What only a model that has learnt the task reaches; chance is 0 or about a half."""
    return 0.5 if task in {"cola", "stsb"} else 0.85


@needs_library
def test_a_seed_that_is_slow_to_begin_has_time_to_learn(tmp_path: Path) -> None:
    """With 4 epochs of training, CoLA's seed 42 ended with a majority class: a score of 0."""
    [(_, score)] = learn(tmp_path, "cola", "--engine", "native", "--seed", "42")
    assert score > least("cola")


@needs_library
@pytest.mark.slow
@pytest.mark.parametrize("task", [*LABELS, "stsb"])
def test_a_tiny_model_with_fresh_weights_learns_it_with_any_seed(task: str, tmp_path: Path) -> None:
    seeds = ",".join(map(str, range(42, 52)))
    for which, value in learn(tmp_path, task, "--engine", "native", "--seeds", seeds):
        assert value > least(task), which


@pytest.mark.slow
@pytest.mark.parametrize("task", [*LABELS, "stsb"])
def test_a_tiny_model_with_fresh_weights_learns_it_by_pytorch(task: str, tmp_path: Path) -> None:
    # One thread: several processes with as many threads as cores wait for each other.
    given = ("--engine", "torch", "--threads", "1", "--seeds", "42,44,48")
    for which, value in learn(tmp_path, task, *given):
        assert value > least(task), which
