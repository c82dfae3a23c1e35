"""Predicts with an encoder's weights in bfloat16, while no gradient is needed.

Autocast keeps weights, sums and normalization in float32 and converts the inputs of each matrix
product again and again. Training needs that. Prediction does not, and is a fifth faster without.
The layers on top of the encoder stay in float32, because rounding would give different rows the
same score.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn
    from transformers import PreTrainedModel


def can_be_halved(model: PreTrainedModel) -> bool:
    """Whether the model is an encoder, all in float32, with other layers on top."""
    import torch

    encoder = model.base_model
    return encoder is not model and all(p.dtype is torch.float32 for p in encoder.parameters())


@contextmanager
def encoder_in_bf16(model: PreTrainedModel) -> Iterator[None]:
    """A region in which a model that :func:`can_be_halved` computes its encoder in bfloat16.

    After it the weights are the tensors that they were before. No gradient may be taken inside.
    """
    import torch

    encoder: nn.Module = model.base_model
    weights = {parameter: parameter.data for parameter in encoder.parameters()}
    hooks = [
        layer.register_forward_pre_hook(_in_single, with_kwargs=True)
        for layer in model.children()
        if layer is not encoder
    ]
    try:
        for parameter, data in weights.items():
            parameter.data = data.to(torch.bfloat16)
        yield
    finally:
        for parameter, data in weights.items():
            parameter.data = data
        for hook in hooks:
            hook.remove()


def _in_single(
    _: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs of a layer on top, in float32."""
    return tuple(map(_single, inputs)), {name: _single(value) for name, value in named.items()}


def _single(value: Any) -> Any:
    import torch

    return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
