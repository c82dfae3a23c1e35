"""Settings that serve an encoder better than the general ones, where the user has chosen none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from glueharness.settings.fields import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness import FitContext, ModelContext
    from glueharness_finetune.settings import FinetuneSettings

_NARROW = 384


class Recipes:
    """The settings of a run, as the user and the recipes made them.

    Args:
        context: The settings that were given, and where each came from.

    Attributes:
        settings: The settings as they stand.
    """

    def __init__(self, context: ModelContext) -> None:
        self._context = context
        self._applied: list[tuple[str, Mapping[str, Any]]] = []
        self.settings: FinetuneSettings = context.settings

    def for_weights(self) -> None:
        """What follows from the settings alone, for a start from pretrained weights."""
        if self.settings.max_steps is None:  # how many passes those are, only the data tell
            self.apply(recipe_by_passes(self.settings.epochs), "recipe for a single epoch")

    def for_width(self, width: int | None) -> None:
        """What follows from a pretrained encoder's width; None if that is not known.

        Its settings belong together: if one of them was given, none is taken.
        """
        recipe, origins = recipe_by_width(width), self._context.origins
        if all(origins.get(name, DEFAULT) == DEFAULT for name in recipe):
            self.apply(recipe, "recipe for narrow encoders")

    def apply(
        self, recipe: Mapping[str, Any], reason: str, context: FitContext | None = None
    ) -> None:
        """Put a recipe in the place of what the user has not chosen.

        Args:
            recipe: Setting name to value.
            reason: Why, in words.
            context: Is told; None before there is a run.
        """
        changes = {
            name: value for name, value in recipe.items() if not self._context.chosen_by_user(name)
        }
        if not changes:
            return
        self.settings = dataclasses.replace(self.settings, **changes)
        self._applied.append((reason, changes))
        if context is not None:
            for name, value in changes.items():
                context.adjust(name, value, reason)

    def applied(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """What was put in, JSON-able: reasons, and settings by name."""
        return self._applied

    def repeat(self, applied: Sequence[tuple[str, Mapping[str, Any]]], context: FitContext) -> None:
        """Put in what :meth:`applied` told, of an interrupted run or of the start found before."""
        self._applied, self.settings = [], self._context.settings
        for reason, recipe in applied:
            self.apply(recipe, reason, context)


def recipe_by_width(width: int | None) -> Mapping[str, Any]:
    """Settings that serve a pretrained encoder of that width better than the general ones.

    Narrow encoders need larger rates, their lower layers less so. Of 3e-4, 1e-4, 5e-5 and 3e-5 the
    two largest are best for the BERT miniatures up to a width of 256 (Turc et al. 2019,
    https://arxiv.org/abs/1908.08962); the factor is that of ELECTRA's smaller encoders (Clark et
    al. 2020, https://arxiv.org/abs/2003.10555). Measured in docs/performance.md.
    """
    narrow = width is not None and width <= _NARROW
    return {"learning_rate": 2e-4, "layerwise_lr_decay": 0.8} if narrow else {}


def recipe_by_passes(epochs: int) -> Mapping[str, Any]:
    """Settings for that many passes over the training data.

    Dropout hinders a model from learning rows by heart. In a single pass it meets each row once,
    and dropout only makes it learn more slowly; the same was found for pretraining (Liu et al.
    2025, https://arxiv.org/abs/2505.24788).
    """
    return {"dropout": 0.0} if epochs == 1 else {}
