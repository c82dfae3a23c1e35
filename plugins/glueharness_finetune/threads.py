"""How PyTorch's threads wait for one another; to be settled before PyTorch is imported."""

from __future__ import annotations

import os


def wait_politely() -> None:
    """Let idle threads sleep instead of spin, unless the user has settled it.

    A thread that spins for one which the system has put aside burns its whole time slice: with
    other work on the machine, training with two threads on two processors was seen to take 18
    times as long. OpenMP reads the variable when it is loaded, so that it works only before the
    first ``import torch``.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
