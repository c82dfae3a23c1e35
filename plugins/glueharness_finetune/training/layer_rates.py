"""Smaller learning rates for layers closer to the input.

The lower layers of a pretrained encoder are useful for any task, while the upper ones and the head
have to learn the new one. With a factor below one, the head uses the full learning rate, the last
layer that rate times the factor, and so on down to the embeddings with the smallest rate. This is
the recipe of ELECTRA (Clark et al. 2020, https://arxiv.org/abs/2003.10555, appendix B).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Mapping


def rate_factors(model: nn.Module, decay: float) -> Mapping[str, float]:
    """The factor of each parameter's learning rate, by its name.

    Embeddings, and whatever comes before the layers, count as one layer below them; whatever comes
    after them belongs to the head.

    Args:
        model: The model.
        decay: Factor from a layer to the one below it; 1: one rate for all.

    Returns:
        The factors; empty for a decay of 1, and for a model that is not a stack of layers.
    """
    path, layers = _layers(model)
    if decay == 1 or not layers:
        return {}
    embeddings = {
        id(parameter)
        for part in model.modules()
        if isinstance(part, nn.Embedding)
        for parameter in part.parameters()
    }
    heights = {}
    reached = 0
    for name, parameter in model.named_parameters():
        if name.startswith(f"{path}."):
            reached = heights[name] = 1 + int(name.removeprefix(f"{path}.").split(".")[0])
        elif id(parameter) in embeddings or not reached:
            heights[name] = 0
        else:
            heights[name] = layers + 1
    return {name: decay ** (layers + 1 - height) for name, height in heights.items()}


def _layers(model: nn.Module) -> tuple[str, int]:
    """Path and number of the encoder's layers: the longest list of modules of one kind."""
    found = {
        path: len(part)
        for path, part in model.named_modules()
        if isinstance(part, nn.ModuleList) and len({type(each) for each in part}) == 1
    }
    path = max(found, key=found.__getitem__, default="")
    return path, found.get(path, 0)
