"""AdamW as the reference recipe has it: decay groups, one norm; with fewer fixed costs per step."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from glueharness_finetune.cpu.lazy_adamw import Constants, LazyAdamW, word_embedding
from glueharness_finetune.cpu.skipped_steps import can_be_skipped
from glueharness_finetune.runtime import FP16
from glueharness_finetune.training.layer_rates import rate_factors
from glueharness_finetune.training.parameter_groups import groups_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import nn

    from glueharness_finetune.settings import FinetuneSettings

_State: TypeAlias = "dict[str, torch.Tensor]"

_WORDS = "words"


class AdamW:
    """AdamW over a model's trainable parameters.

    Args:
        model: The model, on its device.
        settings: Weight decay, largest gradient norm, how much less the lower layers learn, whether
            the word vectors may lag.
        rates: Learning rate of each step, before a layer's share.
    """

    def __init__(
        self, model: nn.Module, settings: FinetuneSettings, rates: Sequence[float]
    ) -> None:
        self.max_grad_norm = settings.max_grad_norm
        self._rates, self._betas, self._epsilon = rates, settings.betas, settings.adam_epsilon
        factors = rate_factors(model, settings.layerwise_lr_decay)
        self.layerwise = bool(factors)
        self._words: LazyAdamW | None = None
        # Their gradients are out of reach of whoever scales the loss of fp16.
        lazy = not settings.plain_math and settings.precision != FP16
        # Several processes see several words: each would have to know the others'.
        lazy = lazy and settings.devices == 1
        lazy = lazy and can_be_skipped(settings.betas, settings.adam_epsilon)
        words = word_embedding(model) if lazy else None
        if words is not None:
            [name] = (n for n, parameter in model.named_parameters() if parameter is words.weight)
            factor = factors.get(name, 1.0)
            constants = Constants(
                rates=[rate * factor for rate in rates],
                weight_decay=settings.weight_decay,
                betas=settings.betas,
                epsilon=settings.adam_epsilon,
            )
            self._words = LazyAdamW(words, constants)
        self.parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._state: dict[str, _State] = {}
        self._groups = groups_of(model, settings.weight_decay, factors)

    @property
    def lazy(self) -> bool:
        """Whether word vectors that a step does not touch are moved later."""
        return self._words is not None

    def step(self, number: int) -> None:
        """Clip the gradients, move the parameters in the same pass, and forget the gradients.

        Args:
            number: Steps done before this one; they must be asked for in order.
        """
        import torch
        from torch.optim.adamw import adamw

        touched = self._words.touched() if self._words else []
        with torch.no_grad():
            excess = self._excess(touched)
            for (weight_decay, factor), names in self._groups.items():
                moved = [n for n in names if self.parameters[n].grad is not None]
                states = [self._state_of(name) for name in moved]
                # The class of the same name looks everything up anew at each step: for an encoder
                # of two layers that takes longer than the arithmetic.
                adamw(
                    [self.parameters[name] for name in moved],
                    [self.parameters[name].grad for name in moved],  # type: ignore[misc] # above
                    [state["exp_avg"] for state in states],
                    [state["exp_avg_sq"] for state in states],
                    [],
                    [state["step"] for state in states],
                    fused=True, grad_scale=excess, amsgrad=False, maximize=False, eps=self._epsilon,
                    beta1=self._betas[0], beta2=self._betas[1], lr=self._rates[number] * factor,
                    weight_decay=weight_decay,
                )  # fmt: skip
        if self._words:
            self._words.step()
        self.forget_gradients()

    def _excess(self, touched: Sequence[torch.Tensor]) -> torch.Tensor | None:
        """What the gradients are to be divided by, those of the word vectors done already.

        ``clip_grad_norm_`` multiplies them with the inverse, in a pass of its own.
        """
        from torch.nn.utils import get_total_norm

        if not self.max_grad_norm:
            return None
        every = [*self.parameters.values(), *touched]
        norm = get_total_norm([each.grad for each in every if each.grad is not None])
        excess = ((norm + 1e-6) / self.max_grad_norm).clamp_(min=1.0)
        for each in touched:
            if each.grad is not None:
                each.grad.div_(excess)
        return excess

    def _state_of(self, name: str) -> _State:
        """A parameter's moments and steps, as ``torch.optim.AdamW`` keeps them."""
        import torch

        if name not in self._state:
            values = self.parameters[name].data
            self._state[name] = {
                "step": torch.zeros((), dtype=torch.float32, device=values.device),
                "exp_avg": torch.zeros_like(values),
                "exp_avg_sq": torch.zeros_like(values),
            }
        return self._state[name]

    def forget_gradients(self) -> None:
        """Drop the gradients, so that the step begins anew."""
        for each in self.parameters.values():
            each.grad = None
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
        found = {
            f"{name}/{key}": value
            for name, state in self._state.items()
            for key, value in state.items()
        }
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
            self._state.setdefault(name, {})[key] = value.clone().to(self.parameters[name].device)
        if self._words:
            self._words.restore(words)
