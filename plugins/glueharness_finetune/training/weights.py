"""A model's tensors by name, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and the buffers that belong to a checkpoint, shared ones once."""
    kept = model.state_dict(keep_vars=True)
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor for name, tensor in named.items() if name in kept}


def copy_of(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same values in main memory, out of reach of further training."""
    return {name: tensor.detach().clone().cpu() for name, tensor in weights.items()}


def load_weights(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Put values into a model's tensors, in place.

    Raises:
        KeyError: A tensor has no value.
    """
    import torch

    with torch.no_grad():
        for name, tensor in weights_of(model).items():
            tensor.copy_(weights[name])
