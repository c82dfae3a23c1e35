"""What the engine can be asked for, and when it is the quicker one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from glueharness_native.architectures import Unsupported, read_architecture
from glueharness_native.library import NoLibrary, best_library, processor_flags

if TYPE_CHECKING:
    from glueharness import EncoderEngine, EngineRequest

_WIDEST_WITH_AMX = 384
"""With AMX, PyTorch multiplies bfloat16 matrices several times as fast as AVX-512 can, and wide
encoders do little else. No processor with AMX was at hand when the engines were compared
(2026-11-27), so on such a one PyTorch is preferred above this width."""

_LARGEST_BETA_RATIO, _LARGEST_EPSILON = 0.93, 1e-6
"""Beyond these, what ``source/adamw.h`` does to many steps at once is no longer exact."""


_OUTERMOST_RATE = 2**-10
"""Sixteen random bits decide whether an element is dropped: nearer than this to 0 or 1, the rate
that is drawn would be another one by more than 1 %, up to never or always."""


def objection(request: EngineRequest) -> str:
    """Why the engine cannot compute what is asked; empty if it can."""
    if request.device == "cuda":
        return "it is for processors, not GPUs"
    try:
        sizes = read_architecture(request.config).sizes
        library = best_library()
    except (Unsupported, NoLibrary) as reason:
        return str(reason)
    if request.betas[0] > _LARGEST_BETA_RATIO * request.betas[1]:
        return f"AdamW's betas {request.betas[0]} and {request.betas[1]} are too close together"
    if request.epsilon > _LARGEST_EPSILON:
        return f"AdamW's epsilon {request.epsilon} is above {_LARGEST_EPSILON}"
    own = (rate for name, rate in sizes.items() if name.startswith("dropout"))
    for rate in own if request.dropout is None else [request.dropout]:
        if 0 < rate < _OUTERMOST_RATE or rate > 1 - _OUTERMOST_RATE:
            return f"it draws no dropout at a rate of {rate}, too close to 0 or 1"
    if request.precision == "bf16" and not library.bf16:
        return "this processor multiplies no bfloat16 matrices with AVX-512"
    return ""


def slower(request: EngineRequest) -> str:
    """Whether PyTorch is expected to be quicker, and why; empty if not."""
    if best_library().name == "neon":
        return "on Arm processors the engines have not been compared yet"
    width = int(read_architecture(request.config).sizes["hidden"])
    if request.precision != "fp32" and "amx_bf16" in processor_flags() and width > _WIDEST_WITH_AMX:
        return f"this processor has AMX, which the engine does not use, and the width is {width}"
    return ""


def settle(request: EngineRequest) -> EngineRequest:
    """The request with device and precision as this engine resolves them."""
    bf16 = best_library().bf16 and request.precision != "fp32"
    return replace(request, device="cpu", precision="bf16" if bf16 else "fp32")


def make(request: EngineRequest) -> EncoderEngine:
    """The engine for what :func:`objection` had nothing against."""
    from glueharness_native.encoder import Machine, NativeEncoder

    bf16 = settle(request).precision == "bf16"
    return NativeEncoder(
        read_architecture(request.config),
        Machine(library=best_library(), threads=request.threads, bf16=bf16),
        outputs=request.outputs,
        regression=request.regression,
        dropout=request.dropout,
    )
