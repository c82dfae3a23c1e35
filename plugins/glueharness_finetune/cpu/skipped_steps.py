r"""What AdamW does to a row of word vectors while no batch touches it: many steps in one.

Let row ``p`` with moments ``m`` and ``v`` be up to date after step ``s``. Without a gradient, step
``u`` takes it to ``p·f_u − rate_u·m̂_u / (√v̂_u + ε)`` with ``f_u = 1 − rate_u·decay``. The moments
only shrink, so with ``j = u − s`` and the bias corrections ``c1_u = 1 − β1^u``, ``c2_u = 1 − β2^u``
the move is ``w·m / (b·√v + ε)`` with ``w = rate_u·β1^j / c1_u`` and ``b = √(β2^j / c2_u)``. After
step ``t`` therefore, with ``D(a, t) = f_{a+1}·…·f_t``::

    p_t = p_s·D(s, t) − m·S1 / (√v + ε·S2 / S1)
    S1  = Σ_u D(u, t)·w / b        S2 = Σ_u D(u, t)·w / b²

The sum of fractions with ``b·√v + ε`` below becomes one fraction: exact for ε = 0, and to first
order in ε. Both sums follow from those of the step before, ``S(s, t) = S(s, t − 1)·f_t + w/b``, so
they are kept for the last ``_HORIZON`` values of ``s``; what later steps would add is below
``(β1/√β2)^_HORIZON``, 10⁻¹³ of the first, and only the decay goes on.

Shapes: u = rows asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_HORIZON = 288
_LARGEST_RATIO, _LARGEST_EPSILON = 0.93, 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """AdamW's constants.

    Attributes:
        rates: Learning rate of each step, ``[steps]``.
        weight_decay: Decoupled decay of the word vectors.
        betas: Decay of the two moments.
        epsilon: Added to the root of the second moment.
    """

    rates: Sequence[float]
    weight_decay: float
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8


def can_be_skipped(betas: tuple[float, float], epsilon: float) -> bool:
    """Whether the sums are as exact as single steps in float32 with these constants of AdamW.

    The ratio of the betas to the power of the horizon is what the sums leave out; epsilon enters
    them to first order only.
    """
    return betas[0] <= _LARGEST_RATIO * betas[1] and epsilon <= _LARGEST_EPSILON


class SkippedSteps:
    """The sums of the module's docstring, up to the present step.

    Args:
        constants: AdamW's constants.
    """

    def __init__(self, constants: Constants) -> None:
        self._constants = constants
        steps = len(constants.rates)
        self.step = 0
        # Logarithm of D(0, t), [steps + 1].
        factors = 1 - np.asarray(constants.rates, np.float64) * constants.weight_decay
        self._decay = np.concatenate([[0.0], np.cumsum(np.log(factors))])
        # S1(t − g, t) and S2(t − g, t), [2, _HORIZON + 1]; and S1, S2(s, s + _HORIZON) by s.
        self._recent = np.zeros((2, _HORIZON + 1))
        self._settled = np.zeros((2, steps + 1))
        gaps = np.arange(1, _HORIZON + 1)
        beta1, beta2 = constants.betas
        # w/b and w/b² but for what depends on the step.
        self._shapes = np.stack([(beta1 / math.sqrt(beta2)) ** gaps, (beta1 / beta2) ** gaps])

    def advance(self) -> None:
        """Go on by one step."""
        self.step += 1
        step, (beta1, beta2) = self.step, self._constants.betas
        rate = self._constants.rates[step - 1]
        correction = 1 - beta2**step
        scale = rate / (1 - beta1**step)
        factor = 1 - rate * self._constants.weight_decay
        recent = self._recent[:, :-1] * factor
        recent[0] += self._shapes[0] * (scale * math.sqrt(correction))
        recent[1] += self._shapes[1] * (scale * correction)
        self._recent[:, 1:] = recent
        if step >= _HORIZON:
            self._settled[:, step - _HORIZON] = recent[:, -1]

    def since(self, last: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What has become of rows that were up to date after the steps ``last``, ``[u]``.

        Returns:
            ``D``, ``S1`` and ``S2 / S1``, each float32 ``[u, 1]``.
        """
        gaps = self.step - last
        far = gaps > _HORIZON
        sums = np.where(
            far, self._settled[:, last], self._recent[:, np.minimum(gaps, _HORIZON)]
        )  # [2, u]
        decay = np.exp(self._decay[self.step] - self._decay[last])
        settled_at = np.minimum(last + _HORIZON, self.step)
        after = np.exp(self._decay[self.step] - self._decay[settled_at])
        # Where the rate was zero all along, nothing moves and any ratio will do.
        ratio = np.divide(sums[1], sums[0], out=np.ones_like(sums[0]), where=sums[0] > 0)
        columns = (decay, sums[0] * after, ratio)
        found = [torch.from_numpy(column.astype(np.float32))[:, None] for column in columns]
        return found[0], found[1], found[2]
