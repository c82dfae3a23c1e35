"""Recipes of papers as presets: ``run TASK --preset NAME``.

Each says where its figures come from, and in ``lacks`` what of the recipe no setting expresses.
"""

from __future__ import annotations

from glueharness_finetune.presets.one_recipe import ONE_RECIPE
from glueharness_finetune.presets.per_task import PER_TASK

PRESETS = (*ONE_RECIPE, *PER_TASK)
"""All of them."""

__all__ = ["PRESETS"]
