"""Adafactor of transformers and SGD of PyTorch, as ``Trainer`` uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils import clip_grad_norm_

from glueharness_finetune.learning_settings import ADAFACTOR
from glueharness_finetune.training.layer_rates import rate_factors
from glueharness_finetune.training.parameter_groups import groups_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from glueharness_finetune.settings import FinetuneSettings

_NUMBER = "#"
"""Marks what the library keeps as a Python number, and checkpoints as a tensor."""


class LibraryOptimiser:
    """An optimizer of a library over a model's trainable parameters.

    Args:
        model: The model, on its device.
        settings: Which optimizer; weight decay, largest gradient norm, the layers' rates.
        rates: Learning rate of each step, before a layer's share.
    """

    lazy = False

    def __init__(
        self, model: nn.Module, settings: FinetuneSettings, rates: Sequence[float]
    ) -> None:
        self.parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._rates, self._max_grad_norm = rates, settings.max_grad_norm
        factors = rate_factors(model, settings.layerwise_lr_decay)
        self.layerwise = bool(factors)
        groups = [
            {
                "params": [self.parameters[name] for name in names],
                "weight_decay": decay,
                "share": share,
            }
            for (decay, share), names in groups_of(model, settings.weight_decay, factors).items()
        ]
        self._optimiser = _make(settings, groups)

    def step(self, number: int) -> None:
        """Clip the gradients, move the parameters, and forget the gradients.

        Args:
            number: Steps done before this one.
        """
        if self._max_grad_norm:
            clip_grad_norm_(self.parameters.values(), self._max_grad_norm)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rates[number] * group["share"]
        self._optimiser.step()
        self.forget_gradients()

    def forget_gradients(self) -> None:
        """Drop the gradients, so that the step begins anew."""
        self._optimiser.zero_grad()

    def flush(self) -> None:
        """Every parameter is up to date after each step."""

    def release(self) -> None:
        """The model is as it was given."""

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimizer's state, by parameter name; it is not to be changed."""
        found = {}
        for name, parameter in self.parameters.items():
            for key, value in self._optimiser.state.get(parameter, {}).items():
                if isinstance(value, torch.Tensor):
                    found[f"{name}/{key}"] = value
                elif value is not None:
                    found[f"{name}/{key}{_NUMBER}"] = torch.tensor(value)
        return found

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`tensors` told."""
        for path, value in tensors.items():
            name, _, key = path.rpartition("/")
            parameter = self.parameters[name]
            kept: Any = value.clone().to(parameter.device)
            if key.endswith(_NUMBER):
                key, kept = key.removesuffix(_NUMBER), value.item()
            self._optimiser.state[parameter][key] = kept


def _make(settings: FinetuneSettings, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    if settings.optim != ADAFACTOR:
        return torch.optim.SGD(groups, lr=settings.learning_rate)
    from transformers.optimization import Adafactor

    make: Any = Adafactor  # it has no types
    made: torch.optim.Optimizer = make(
        groups, lr=settings.learning_rate, scale_parameter=False, relative_step=False
    )
    return made
