"""How PyTorch's threads wait for each other, which must be set before PyTorch is imported."""

from __future__ import annotations

import os

_SPINS = 2000
"""Looks at a flag before a waiting thread is put to sleep: some 0.1 ms. The pause between two
parallel pieces of a training step is shorter."""


def wait_politely() -> None:
    """Let idle threads spin for a moment and then sleep, unless the user has set this.

    A thread that spins while the thread it waits for is not running wastes its whole time slice:
    with other work on the machine, training with two threads on two processors took up to 18 times
    as long. Waking from sleep takes longer than a small operation: without any spinning, two
    threads did not train BERT-tiny faster than one. OpenMP reads the variables when it is loaded,
    so they only work before the first ``import torch``.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        # GNU's OpenMP, PyTorch's on Linux, prefers this to the policy; others do not know it.
        os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))
