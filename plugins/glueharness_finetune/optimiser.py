"""AdamW as the reference recipe has it: decay groups, linear warm-up and decay, one norm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn

    from glueharness_finetune.settings import FinetuneSettings

BETAS = (0.9, 0.999)
EPSILON = 1e-8


def learning_rates(settings: FinetuneSettings, steps: int) -> list[float]:
    """The learning rate of each of the ``steps``: from zero up to the peak, and down to zero.

    The same as ``get_linear_schedule_with_warmup`` of transformers.
    """
    warmup = math.ceil(steps * settings.warmup_ratio)
    rising = [step / max(1, warmup) for step in range(warmup)]
    falling = [(steps - step) / max(1, steps - warmup) for step in range(warmup, steps)]
    return [settings.learning_rate * factor for factor in rising + falling]


def without_decay(model: nn.Module) -> set[str]:
    """Names of the parameters that weight decay leaves alone: biases and normalisation weights."""
    found = set()
    for path, module in model.named_modules():
        normalises = "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False):
            if normalises or name == "bias":
                found.add(f"{path}.{name}" if path else name)
    return found


class Optimiser:
    """AdamW over a model's trainable parameters.

    Args:
        model: The model, on its device.
        settings: Weight decay and largest gradient norm.
    """

    def __init__(self, model: nn.Module, settings: FinetuneSettings) -> None:
        import torch

        self.max_grad_norm = settings.max_grad_norm
        self.parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        spared = without_decay(model)
        groups = [
            {"params": [p for n, p in self.parameters.items() if (n in spared) is no_decay],
             "weight_decay": 0.0 if no_decay else settings.weight_decay}
            for no_decay in (False, True)
        ]  # fmt: skip
        self._adamw = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=settings.learning_rate, betas=BETAS, eps=EPSILON, fused=True,
        )  # fmt: skip

    def step(self, learning_rate: float) -> None:
        """Clip the gradients in one pass, move the parameters, and forget the gradients."""
        import torch

        if self.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.max_grad_norm)
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate
        self._adamw.step()
        self.forget_gradients()

    def forget_gradients(self) -> None:
        """Drop the gradients, so that the next step begins anew."""
        self._adamw.zero_grad(set_to_none=True)

    def flush(self) -> None:
        """Bring every parameter up to date, before the model is used for anything but a step."""

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimiser's state, by parameter name; it is not to be changed."""
        found = {}
        for name, parameter in self.parameters.items():
            for key, value in self._adamw.state.get(parameter, {}).items():
                found[f"{name}/{key}"] = value
        return found

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`tensors` told."""
        for path, value in tensors.items():
            name, _, key = path.rpartition("/")
            parameter = self.parameters[name]
            self._adamw.state[parameter][key] = value.clone().to(parameter.device)
