"""Searches for good settings with Optuna: ``run --search N``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import SearcherSpec, hookimpl

if TYPE_CHECKING:
    from glueharness import Searcher, SearchSpace


def _tpe(space: SearchSpace) -> Searcher:
    from glueharness_optuna.study import OptunaSearcher

    return OptunaSearcher(space, "tpe")


def _random(space: SearchSpace) -> Searcher:
    from glueharness_optuna.study import OptunaSearcher

    return OptunaSearcher(space, "random")


@hookimpl
def glueharness_searchers() -> list[SearcherSpec]:
    """The tree-structured Parzen estimator, and random search to compare it with."""
    return [
        SearcherSpec(
            name="tpe",
            description="Optuna's tree-structured Parzen estimator; settings whose epochs score "
            "below the median are stopped early [extra: search].",
            factory=_tpe,
        ),
        SearcherSpec(
            name="random",
            description="Random settings, all run to their end [extra: search].",
            factory=_random,
        ),
    ]
