"""Scaling the loss in fp16, whose smallest gradients would be rounded to zero.

A step whose gradients overflow is left out, and the scale is halved; after many steps without an
overflow it is doubled (Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness_finetune.training.optimiser import Optimiser

_PREFIX = "loss scale/"


class LossScale:
    """PyTorch's gradient scaler, for an optimizer that is none of PyTorch's.

    Args:
        model: Its trainable parameters have the gradients.
        optimiser: Moves them.
        device: Kind of device.
    """

    def __init__(self, model: torch.nn.Module, optimiser: Optimiser, device: str) -> None:
        self._scaler = torch.amp.GradScaler(device)
        self._optimiser = optimiser
        self._number = 0
        self._left_out = 0
        self.param_groups = [{"params": [p for p in model.parameters() if p.requires_grad]}]

    @property
    def facts(self) -> dict[str, float]:
        """The present scale, and the steps that were left out since training began."""
        return {"scale": self._scaler.get_scale(), "steps_left_out": self._left_out}

    def scaled(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss that the gradient is taken of."""
        found: torch.Tensor = self._scaler.scale(loss)
        return found

    def step_with(self, number: int) -> None:
        """Move the weights by the unscaled gradients, or leave the step out.

        Args:
            number: Steps done before this one.
        """
        self._number = number
        before = self._scaler.get_scale()
        itself: Any = self  # it has what the scaler uses of an optimizer
        self._scaler.unscale_(itself)
        self._scaler.step(itself)
        self._scaler.update()
        self._left_out += self._scaler.get_scale() < before
        self._optimiser.forget_gradients()

    def step(self) -> None:
        """Called by the scaler where no gradient has overflown."""
        self._optimiser.step(self._number)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The state by name."""
        state = self._scaler.state_dict()
        values = {
            "scale": state["scale"],
            "growth": state["_growth_tracker"],
            "left_out": self._left_out,
        }
        return {
            f"{_PREFIX}{name}": torch.tensor(value, dtype=torch.float64)
            for name, value in values.items()
        }

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Become what :meth:`tensors` told; returns the tensors of others."""
        state = self._scaler.state_dict()
        state["scale"] = float(tensors[f"{_PREFIX}scale"])
        state["_growth_tracker"] = int(tensors[f"{_PREFIX}growth"])
        self._left_out = int(tensors[f"{_PREFIX}left_out"])
        self._scaler.load_state_dict(state)
        return {name: value for name, value in tensors.items() if not name.startswith(_PREFIX)}
