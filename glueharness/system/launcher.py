"""What torchrun, accelerate launch and their like say in the environment of each process."""

from __future__ import annotations

import os
from dataclasses import dataclass

from glueharness.errors import ConfigError

_SIZE, _RANK = "WORLD_SIZE", "RANK"
_TORCHRUN = "TORCHELASTIC_RUN_ID"


@dataclass(frozen=True, slots=True)
class Launch:
    """That several processes were started with the same command.

    Attributes:
        rank: Which of them this is; 0 is the first.
        size: How many there are.
        by_launcher: Whether torchrun or accelerate launch says so; else the variables may be left
            over from something else.
    """

    rank: int
    size: int
    by_launcher: bool = True

    @property
    def first(self) -> bool:
        """Whether this is the first of them."""
        return self.rank == 0


def launch_from_environment() -> Launch | None:
    """That this process is one of several; None if it is alone.

    Raises:
        ConfigError: The variables say what cannot be.
    """
    told = os.environ.get(_SIZE, "").strip()
    size = int(told) if told.isdecimal() else 0
    if not told or size == 1:
        return None
    rank = os.environ.get(_RANK, "").strip()
    if size < 1 or not rank.isdecimal() or int(rank) >= size:
        raise ConfigError(
            f"{_SIZE} is {told!r} and {_RANK} is {rank!r}, which torchrun sets to how many "
            "processes there are and which one this is",
            remedy=f"Unset them: unset {_SIZE} {_RANK}",
        )
    return Launch(int(rank), size, _TORCHRUN in os.environ)
