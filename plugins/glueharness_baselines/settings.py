"""Settings of the baselines."""

from __future__ import annotations

from dataclasses import dataclass

from glueharness import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class TfidfSettings:
    """Settings of ``tfidf``.

    Attributes:
        ngram_max: Longest word n-gram.
        max_features: How many n-grams to keep for each text column, the most frequent ones.
        inverse_regularization: scikit-learn's ``C``; for a regression, ``1 / alpha`` of ridge.
    """

    ngram_max: int = setting(
        2, help="Longest word n-gram.", unit="words", low=1, high=5, training=True
    )
    max_features: int = setting(
        50_000,
        help="How many n-grams to keep for each text column.",
        unit="n-grams",
        low=1,
        training=True,
    )
    inverse_regularization: float = setting(
        1.0, help="Inverse of the regularization strength (C).", above=0.0, training=True
    )
