"""The optimizer that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from glueharness_finetune.learning_settings import ADAMW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import nn

    from glueharness_finetune.settings import FinetuneSettings


class Optimiser(Protocol):
    """Moves a model's trainable parameters, a step at a time."""

    @property
    def lazy(self) -> bool:
        """Whether word vectors that a step does not touch are moved later."""
        ...

    @property
    def layerwise(self) -> bool:
        """Whether layers have learning rates of their own."""
        ...

    def step(self, number: int) -> None:
        """Clip the gradients, move the parameters, and forget the gradients.

        Args:
            number: Steps done before this one; they must be asked for in order.
        """
        ...

    def forget_gradients(self) -> None:
        """Drop the gradients, so that the step begins anew."""
        ...

    def flush(self) -> None:
        """Bring every parameter up to date, before the model is used for anything but a step."""
        ...

    def release(self) -> None:
        """Leave the model as it was given, with its parameters up to date."""
        ...

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimizer's state, by parameter name; it is not to be changed."""
        ...

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`tensors` told."""
        ...


def make_optimiser(
    model: nn.Module, settings: FinetuneSettings, rates: Sequence[float]
) -> Optimiser:
    """The optimizer that the settings ask for.

    Args:
        model: The model, on its device.
        settings: Which one, and what it is to do.
        rates: Learning rate of each step, before a layer's share.
    """
    if settings.optim == ADAMW:
        from glueharness_finetune.training.adamw import AdamW

        return AdamW(model, settings, rates)
    from glueharness_finetune.training.library_optimiser import LibraryOptimiser

    return LibraryOptimiser(model, settings, rates)
