"""Baselines without PyTorch: a model that does not beat them has not learned anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import ModelSpec, hookimpl
from glueharness_baselines.settings import TfidfSettings

if TYPE_CHECKING:
    from glueharness import Model, ModelContext


def _majority(context: ModelContext) -> Model:
    from glueharness_baselines.majority import Majority

    return Majority(context.task)


def _tfidf(context: ModelContext) -> Model:
    from glueharness_baselines.tfidf import Tfidf

    return Tfidf(context.task, context.settings, context.seed)


@hookimpl
def glueharness_models() -> list[ModelSpec]:
    """The majority class, and logistic regression on TF-IDF."""
    return [
        ModelSpec(
            name="majority",
            description="The most frequent label of the training data, or its mean score.",
            factory=_majority,
            score_kind="probabilities",
            multiple_choice=True,
        ),
        ModelSpec(
            name="tfidf",
            description="Logistic (or ridge) regression on TF-IDF of word n-grams.",
            factory=_tfidf,
            settings=TfidfSettings,
            score_kind="margins",
            multiple_choice=True,
            search={"inverse_regularization": "0.01..100", "ngram_max": "1,2,3"},
            citation="scikit-learn: Pedregosa et al. 2011, JMLR 12",
        ),
    ]
