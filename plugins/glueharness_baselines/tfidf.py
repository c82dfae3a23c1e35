"""Logistic regression on TF-IDF, or ridge regression for scores; saved without pickle.

Shapes: n = rows, c = choices a row, k = labels, f = features.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import LABEL_COLUMN, Fingerprint, ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from glueharness import FitContext, FloatArray, Split, TaskSpec
    from glueharness_baselines.settings import TfidfSettings

_WEIGHTS, _VOCABULARY = "weights.npz", "vocabulary.json"
_TOGETHER = "texts"
"""The one vectorizer of multiple choice: only with it can texts have words in common."""
_WORD = r"(?u)\b\w+\b"


class Tfidf:
    """A linear model on bags of word n-grams, one bag per text column.

    Of multiple choice, each choice is a row of its own, which is right or wrong: a bag of its
    context, one of itself, and one of the n-grams that both have.

    Args:
        task: The task.
        settings: n-grams and regularization.
        seed: Seed of the solver.
    """

    def __init__(self, task: TaskSpec, settings: TfidfSettings, seed: int) -> None:
        self.task = task
        self.settings = settings
        self.seed = seed
        self._vectorizers: dict[str, Any] = {}
        self._weights: Any = None  # [k, f]; [1, f] for two labels and for a regression
        self._bias: Any = None  # [k] or [1]

    def fingerprint(self) -> Fingerprint:
        """The library that tokenises and solves."""
        return Fingerprint(engine="scikit-learn", packages=("scikit-learn",))

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Learn vocabulary, weights and bias; scores the dev splits once."""
        for name, texts in self._texts(train).items():
            if not any(re.search(_WORD, text) for text in texts):
                what = "the texts" if name == _TOGETHER else f"the column {name!r}"
                raise ModelError(
                    f"{what} of the training data have no word to learn",
                    remedy="Look at the data: are these the right fields?",
                )
            self._vectorizers[name] = self._vectorizer().fit(texts)
        features = self._features(train)
        if self.task.regression:
            self._fit_scores(features, train[LABEL_COLUMN])
        elif self.task.choices:
            labels = np.array(train[LABEL_COLUMN])[:, None]  # [n, 1]
            self._solve(features, (labels == np.array(self.task.labels)).ravel())  # [n * c]
        else:
            self._fit_labels(features, train[LABEL_COLUMN])
        evaluation = context.score({name: self.predict(split) for name, split in dev.items()})
        context.epoch(1, evaluation, {})
        context.note("features", int(features.shape[1]))
        context.note("parameters", int(self._weights.size + self._bias.size))

    def predict(self, split: Split) -> FloatArray:
        """Decision values ``[n, k]`` in the order of the task's labels; ``[n]`` for scores."""
        if len(split) == 0:
            shape = (0,) if self.task.regression else (0, len(self.task.labels))
            return np.zeros(shape, dtype=np.float32)
        values = np.asarray(self._features(split) @ self._weights.T + self._bias, dtype=np.float32)
        if self.task.regression:
            return values[:, 0]
        if self.task.choices:
            return values.reshape(len(split), -1)
        if values.shape[1] == 1:  # two labels: one value, positive for the second
            return np.concatenate([-values, values], axis=1)
        return values

    def save(self, folder: Path) -> None:
        """Write weights and vocabularies."""
        idf = {f"idf:{name}": item.idf_ for name, item in self._vectorizers.items()}
        np.savez(folder / _WEIGHTS, weights=self._weights, bias=self._bias, **idf)
        vocabularies = {
            name: {term: int(position) for term, position in item.vocabulary_.items()}
            for name, item in self._vectorizers.items()
        }
        text = json.dumps(vocabularies, ensure_ascii=False)
        (folder / _VOCABULARY).write_text(text, encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read weights and vocabularies.

        Raises:
            ModelError: A file is missing or damaged.
        """
        try:
            arrays = np.load(folder / _WEIGHTS, allow_pickle=False)
            vocabularies = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
            self._weights, self._bias = arrays["weights"], arrays["bias"]
            for name in [_TOGETHER] if self.task.choices else self.task.columns:
                vectorizer = self._vectorizer(vocabularies[name])
                vectorizer.idf_ = arrays[f"idf:{name}"]
                self._vectorizers[name] = vectorizer
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"the model cannot be read: {error}", where=str(folder)) from error

    def _vectorizer(self, vocabulary: Mapping[str, int] | None = None) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(
            ngram_range=(1, self.settings.ngram_max),
            max_features=self.settings.max_features,
            sublinear_tf=True,
            vocabulary=vocabulary,
            # The default pattern drops one-letter words, but an answer may be one.
            token_pattern=_WORD,
        )

    def _texts(self, split: Split) -> dict[str, list[str]]:
        """What each vectorizer learns its words from."""
        columns = {name: list(split[name]) for name in self.task.columns}
        if not self.task.choices:
            return columns
        return {_TOGETHER: [text for texts in columns.values() for text in texts]}

    def _features(self, split: Split) -> Any:
        from scipy.sparse import hstack

        if self.task.choices:
            return self._features_of_choices(split)
        parts = [self._vectorizers[name].transform(list(split[name])) for name in self.task.columns]
        return hstack(parts, format="csr")

    def _features_of_choices(self, split: Split) -> Any:
        """The features of every choice, one row's choices after the other: ``[n * c, 3 * f]``."""
        from scipy.sparse import hstack

        words, many = self._vectorizers[_TOGETHER], len(self.task.choices)
        contexts = zip(*(split[name] for name in self.task.context), strict=True)
        rows = zip(*(split[name] for name in self.task.choices), strict=True)
        context = words.transform([" ".join(texts) for texts in contexts])  # [n, f]
        context = context[np.repeat(np.arange(len(split)), many)]
        choice = words.transform([text for texts in rows for text in texts])
        return hstack([context, choice, context.multiply(choice)], format="csr")

    def _fit_labels(self, features: Any, labels: Any) -> None:
        ids = np.array([self.task.labels.index(label) for label in labels])
        seen = np.unique(ids)
        if len(seen) < len(self.task.labels):
            missing = [name for at, name in enumerate(self.task.labels) if at not in seen]
            raise ModelError(
                f"the training data have no row labelled {', '.join(missing)}",
                remedy="Use more training rows.",
            )
        self._solve(features, ids)

    def _solve(self, features: Any, ids: Any) -> None:
        from sklearn.linear_model import LogisticRegression

        solver = LogisticRegression(
            C=self.settings.inverse_regularization, max_iter=1000, random_state=self.seed
        )
        with _in_one_order():
            solver.fit(features, ids)
        self._weights, self._bias = solver.coef_, solver.intercept_

    def _fit_scores(self, features: Any, scores: Any) -> None:
        from sklearn.linear_model import Ridge

        solver = Ridge(alpha=1.0 / self.settings.inverse_regularization, random_state=self.seed)
        with _in_one_order():
            solver.fit(features, np.asarray(scores, dtype=np.float64))
        self._weights = solver.coef_[None, :]
        self._bias = np.array([solver.intercept_])


def _in_one_order() -> AbstractContextManager[Any]:
    """A region in which sums are added up in one order: the same bits on any number of threads.

    A worker has fewer threads than the command that it works for, and its runs are to be the same.
    Sparse features leave several threads nothing to win.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits
