"""AdamW as the reference recipe has it: decay groups, linear warm-up and decay, one norm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueharness_finetune.lazy_adamw import Constants, LazyAdamW, word_embedding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import nn

    from glueharness_finetune.settings import FinetuneSettings

BETAS = (0.9, 0.999)
EPSILON = 1e-8
_WORDS = "words"


def learning_rates(settings: FinetuneSettings, rows: int) -> list[float]:
    """The learning rate of each step over ``rows`` rows: from zero to the peak, and down to zero.

    The same as ``get_linear_schedule_with_warmup`` of transformers.
    """
    steps_an_epoch = math.ceil(rows / settings.rows_a_step)
    steps = settings.epochs * steps_an_epoch
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
        settings: Weight decay, largest gradient norm, whether the word vectors may lag.
        rates: Learning rate of each step.
    """

    def __init__(
        self, model: nn.Module, settings: FinetuneSettings, rates: Sequence[float]
    ) -> None:
        import torch

        self.max_grad_norm = settings.max_grad_norm
        self._rates = rates
        self._words: LazyAdamW | None = None
        words = word_embedding(model) if settings.lazy_embedding else None
        if words is not None:
            constants = Constants(
                rates=rates, weight_decay=settings.weight_decay, betas=BETAS, epsilon=EPSILON
            )
            self._words = LazyAdamW(words, constants)
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

    @property
    def lazy(self) -> bool:
        """Whether word vectors that a step does not touch are moved later."""
        return self._words is not None

    def step(self, number: int) -> None:
        """Clip the gradients in one pass, move the parameters, and forget the gradients.

        Args:
            number: Steps done before this one; they must be asked for in order.
        """
        import torch

        touched = self._words.touched() if self._words else []
        if self.max_grad_norm:
            every = [*self.parameters.values(), *touched]
            torch.nn.utils.clip_grad_norm_(every, self.max_grad_norm)
        for group in self._adamw.param_groups:
            group["lr"] = self._rates[number]
        self._adamw.step()
        if self._words:
            self._words.step()
        self._adamw.zero_grad(set_to_none=True)

    def forget_gradients(self) -> None:
        """Drop the gradients, so that the step begins anew."""
        self._adamw.zero_grad(set_to_none=True)
        if self._words:
            self._words.forget()

    def flush(self) -> None:
        """Bring every parameter up to date, before the model is used for anything but a step."""
        if self._words:
            self._words.flush()

    def release(self) -> None:
        """Leave the model as it was given, with its parameters up to date."""
        if self._words:
            self._words.release()

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimiser's state, by parameter name; it is not to be changed."""
        found = {}
        for name, parameter in self.parameters.items():
            for key, value in self._adamw.state.get(parameter, {}).items():
                found[f"{name}/{key}"] = value
        if self._words:
            found |= {f"{_WORDS}/{key}": value for key, value in self._words.tensors().items()}
        return found

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`tensors` told."""
        words: dict[str, torch.Tensor] = {}
        for path, value in tensors.items():
            name, _, key = path.rpartition("/")
            if name == _WORDS:
                words[key] = value
                continue
            parameter = self.parameters[name]
            self._adamw.state[parameter][key] = value.clone().to(parameter.device)
        if self._words:
            self._words.restore(words)
