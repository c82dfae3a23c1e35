"""How PyTorch's threads wait for one another; to be settled before PyTorch is imported."""

from __future__ import annotations

import os

_SPINS = 2000
"""Looks at a flag before a waiting thread is put to sleep: some 0.1 ms. The pause between two
parallel pieces of a training step is shorter."""


def wait_politely() -> None:
    """Let idle threads spin for a moment and then sleep, unless the user has settled it.

    A thread that spins for one which the system has put aside burns its whole time slice: with
    other work on the machine, training with two threads on two processors was seen to take 18
    times as long. To be woken from sleep costs more than a small operation itself: with no
    spinning at all, two threads were seen to train BERT-tiny no quicker than one. OpenMP reads
    the variables when it is loaded, so that they work only before the first ``import torch``.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        # GNU's OpenMP, PyTorch's on Linux, prefers this to the policy; others do not know it.
        os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))
