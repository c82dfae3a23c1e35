"""Which engine computes an encoder: PyTorch, or one that another plugin offers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError, EngineRequest
from glueharness.plugin.status import describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness import EngineSpec, FitContext, ModelContext
    from glueharness_finetune.settings import FinetuneSettings

AUTO, TORCH = "auto", "torch"
FP16, MPS = "fp16", "mps"
_ONLY_BY_TORCH = (
    "optim", "label_smoothing", "class_weights", "lora_rank", "gradient_checkpointing",
    "plain_math",
)  # fmt: skip
# What the drivers of GPUs that PyTorch can use leave behind: NVIDIA's, WSL's, AMD's.
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An engine, and why that one.

    Attributes:
        spec: The engine; None for PyTorch.
        reason: Why, in a few words.
    """

    spec: EngineSpec | None
    reason: str

    @property
    def name(self) -> str:
        """The engine's name."""
        return TORCH if self.spec is None else self.spec.name


def choose_engine(
    context: ModelContext, settings: FinetuneSettings, config: Mapping[str, Any] | None
) -> Choice:
    """The engine that settings ask for; for ``auto`` the first that can, and is not slower.

    Args:
        context: Engines and task.
        settings: The settings, recipes applied.
        config: The encoder's configuration; None if it cannot be read.

    Raises:
        ConfigError: The engine that was asked for is not there, or cannot compute this.
    """
    wanted = settings.engine
    if wanted == TORCH:
        return Choice(spec=None, reason="asked for")
    known = {spec.name: spec for spec in context.engines}
    if context.task.choices:
        reason = "multiple choice is computed by PyTorch alone"
        if wanted in known:
            raise ConfigError(f"--engine {wanted}: {reason}", remedy="Use --engine auto, or torch.")
        if wanted == AUTO:
            return Choice(spec=None, reason=reason)
    if wanted != AUTO and wanted not in known:
        raise ConfigError(
            f"--engine {wanted}: there is no such engine",
            remedy=f"It is one of {', '.join((AUTO, TORCH, *known))}.",
        )
    objections = {}
    for name, spec in known.items():
        if wanted in {AUTO, name}:
            objections[name] = _objection(spec, context, settings, config, auto=wanted == AUTO)
            if not objections[name]:
                return Choice(
                    spec=spec,
                    reason="asked for" if wanted == name else "it computes this, and is quicker",
                )
    if wanted != AUTO:
        raise ConfigError(
            f"--engine {wanted}: {objections[wanted]}", remedy="Use --engine auto, or torch."
        )
    told = "; ".join(f"{name}: {reason}" for name, reason in objections.items())
    return Choice(spec=None, reason=told or "no other engine is installed")


def request_for(
    context: ModelContext, settings: FinetuneSettings, config: Mapping[str, Any]
) -> EngineRequest:
    """What an engine is asked to compute."""
    from glueharness.run.environment import core_count

    return EngineRequest(
        config=config,
        outputs=context.task.num_outputs,
        regression=context.task.regression,
        device="cpu" if settings.device == AUTO and not gpu_may_be_there() else settings.device,
        precision=settings.precision,
        threads=settings.threads or core_count(),
        dropout=settings.dropout,
        betas=settings.betas,
        epsilon=settings.adam_epsilon,
    )


def _objection(
    spec: EngineSpec,
    context: ModelContext,
    settings: FinetuneSettings,
    config: Mapping[str, Any] | None,
    *,
    auto: bool,
) -> str:
    """Why an engine is not taken; empty if it is."""
    if config is None:
        return "the checkpoint's configuration is not as usual"
    request = request_for(context, settings, config)
    if request.device == AUTO:
        # There may be a GPU: only PyTorch knows.
        import torch

        if torch.cuda.is_available():
            return "there is a GPU"
        request = replace(request, device="cpu")
    if missing := _only_by_torch(settings):
        return f"{missing} is for PyTorch"
    try:
        return spec.objection(request) or (spec.slower(request) if auto else "")
    except Exception as error:  # noqa: BLE001 - a stranger's engine must not stop a run
        return f"it failed when it was asked: {describe(error)}"


def _only_by_torch(settings: FinetuneSettings) -> str:
    """The first setting, with its value, that only PyTorch computes; empty if there is none.

    An engine is promised AdamW over the mean cross-entropy or squared error, and cannot know what
    else there may be.
    """
    for name, only in (("precision", FP16), ("device", MPS)):
        if getattr(settings, name) == only:
            return f"--{name} {only}"
    if settings.devices > 1:
        return f"--devices {settings.devices}"
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if item.name in _ONLY_BY_TORCH and value != item.default:
            flag = "--" + item.name.replace("_", "-")
            return flag if value is True else f"{flag} {value}"
    return ""


def warn_of_change(start: Mapping[str, Any], engine: str, context: FitContext) -> None:
    """Tell that another engine goes on with what one began: the result is then not bit by bit that
    of a run without a pause.

    Args:
        start: What the beginning of the run has noted.
        engine: The engine that goes on.
        context: Is told.
    """  # noqa: D205 - one sentence
    before = start.get("engine", engine)
    if before != engine:
        context.warn(
            f"The run was begun by the engine {before}, and {engine} resumes it: its result is "
            "not bit by bit that of a run without a pause."
        )


def gpu_may_be_there() -> bool:
    """Whether a look for a GPU with PyTorch, whose import takes a second, can find one."""
    import sys

    return sys.platform != "linux" or any(Path(device).exists() for device in _GPU_DEVICES)
