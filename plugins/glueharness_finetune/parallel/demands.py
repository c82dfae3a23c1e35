"""What training in several processes needs, and does not go with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from glueharness import ConfigError
from glueharness.run.environment import core_count
from glueharness.system.launcher import launch_from_environment
from glueharness_finetune.engine_choice import gpu_may_be_there
from glueharness_finetune.parallel.joining import require_accelerate

if TYPE_CHECKING:
    from glueharness_finetune.settings import FinetuneSettings


def require_devices(settings: FinetuneSettings) -> None:
    """Refuse to train in several processes what cannot be, or where there are too few devices.

    Raises:
        ConfigError: It says what is there.
    """
    if settings.devices == 1:
        return
    asked = f"--devices {settings.devices}"
    require_accelerate(asked)
    gpus = _gpus(settings)
    if gpus is not None:
        if _here(settings) > gpus:
            raise ConfigError(
                f"{asked}: this process sees {gpus} GPU{'s' if gpus > 1 else ''}",
                remedy=f"Use --devices {gpus}, or --device cpu.",
            )
    elif launch_from_environment() is None and settings.devices > core_count():
        cores = core_count()
        why = " (OMP_NUM_THREADS)" if os.environ.get("OMP_NUM_THREADS") else ""
        raise ConfigError(
            f"{asked}: this process may use {cores} processor{'s' if cores > 1 else ''}{why}",
            remedy=f"Use --devices {cores}." if cores > 1 else "Leave it out.",
        )


def _here(settings: FinetuneSettings) -> int:
    """How many of the processes are on this machine: fewer, where a launcher started several."""
    told = os.environ.get("LOCAL_WORLD_SIZE", "")
    launched = told.isdecimal() and launch_from_environment() is not None
    return int(told) if launched else settings.devices


def _gpus(settings: FinetuneSettings) -> int | None:
    """How many GPUs there are; None if the processor is to compute."""
    if settings.device == "cpu" or not gpu_may_be_there():
        return None
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else None
