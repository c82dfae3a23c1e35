"""The model ``naive-bayes``: plain scikit-learn, saved without pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness import ModelSpec, hookimpl, setting

if TYPE_CHECKING:
    from glueharness import Model, ModelContext

requires_api = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveBayesSettings:
    """Settings of ``naive-bayes``.

    Attributes:
        smoothing: Counts added to every word.
        hash_bits: Words are hashed into 2 to this power features, for each column.
    """

    smoothing: float = setting(1.0, help="Counts added to every word.", above=0.0)
    hash_bits: int = setting(16, help="Features per column: 2 to this power.", low=4, high=22)


def _make(context: ModelContext) -> Model:
    from glueharness_naive_bayes.model import NaiveBayes

    return NaiveBayes(context.task, context.settings)


@hookimpl
def glueharness_models() -> list[ModelSpec]:
    """One model."""
    return [
        ModelSpec(
            name="naive-bayes",
            description="Complement naive Bayes on hashed words, for labels only.",
            factory=_make,
            settings=NaiveBayesSettings,
            citation="Rennie et al. 2003, ICML: Tackling the poor assumptions of naive Bayes",
        )
    ]
