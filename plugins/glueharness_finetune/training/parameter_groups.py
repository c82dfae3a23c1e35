"""Which parameters share weight decay and learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


def without_decay(model: nn.Module) -> set[str]:
    """Names of the parameters that weight decay leaves alone: biases and normalisation weights."""
    found = set()
    for path, module in model.named_modules():
        normalises = "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False):
            if normalises or name == "bias":
                found.add(f"{path}.{name}" if path else name)
    return found


def groups_of(
    model: nn.Module, weight_decay: float, factors: Mapping[str, float]
) -> dict[tuple[float, float], list[str]]:
    """The names of the trainable parameters by their weight decay and their share of the rate.

    Args:
        model: The model.
        weight_decay: Of those that decay.
        factors: Share of the learning rate by name; 1 for what is not named.
    """
    spared = without_decay(model)
    groups: dict[tuple[float, float], list[str]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = 0.0 if name in spared else weight_decay
            groups.setdefault((decay, factors.get(name, 1.0)), []).append(name)
    return groups
