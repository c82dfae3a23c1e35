"""Where a model computes, in what number format, and what is raised where memory runs out."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import torch

    from glueharness_finetune.settings import FinetuneSettings

AUTO, FP32, BF16, FP16 = "auto", "fp32", "bf16", "fp16"
_OUT_OF_MEMORY = ("not enough memory", "can't allocate memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where and how a model computes.

    Attributes:
        device: The device.
        precision: ``"fp32"``, or ``"bf16"`` or ``"fp16"`` for matrix products in 16 bits with
            weights, sums and normalisation in float32.
        threads: Processor threads.
    """

    device: torch.device
    precision: str
    threads: int

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU of CUDA, which computes while Python goes on."""
        return self.device.type == "cuda"

    @property
    def on_processor(self) -> bool:
        """Whether the processor computes."""
        return self.device.type == "cpu"

    def autocast(self) -> AbstractContextManager[Any]:
        """A region whose matrix products run in the precision."""
        import torch

        if self.precision == FP32:
            return nullcontext()
        half = torch.bfloat16 if self.precision == BF16 else torch.float16
        return torch.autocast(self.device.type, half)

    def draw_from(self, seed: int) -> None:
        """Fix the random numbers to come.

        They are those of ``torch.manual_seed``, which also seeds every other kind of device, and
        notes for each who called: a millisecond, at every step.
        """
        import torch

        torch.default_generator.manual_seed(seed)
        if self.on_gpu:
            torch.cuda.manual_seed(seed)
        elif not self.on_processor:
            torch.mps.manual_seed(seed)

    @contextmanager
    def threading(self) -> Iterator[None]:
        """A region that uses that many processor threads."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def choose_runtime(settings: FinetuneSettings) -> Runtime:
    """What the settings ask for, ``auto`` resolved by what this machine has.

    Raises:
        ConfigError: The machine has no such device or format.
    """
    import torch

    from glueharness.run.environment import core_count
    from glueharness.system.launcher import launch_from_environment

    name = _device(settings.device)
    able = {"cuda": gpu_has_bf16, "cpu": cpu_has_bf16}.get(name, _never)()
    if settings.precision == BF16 and name == "cuda" and not able:
        raise ConfigError("--precision bf16: this GPU has none", remedy="Use --precision auto.")
    wanted = settings.precision
    share = settings.devices if name == "cpu" else 1
    if share > 1 and launch_from_environment() is not None:
        share = 1  # whoever has started several processes has told each its part of the cores
    return Runtime(
        device=torch.device(name),
        precision=wanted if wanted != AUTO else (BF16 if able else FP32),
        threads=settings.threads or max(1, core_count() // share),
    )


def _device(wanted: str) -> str:
    """The kind of device.

    An Apple GPU is not taken unless it is asked for: no result on one has been checked here.
    """
    import torch

    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise ConfigError(
            "--device cuda: PyTorch finds no CUDA GPU here", remedy="Use --device auto."
        )
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(
            "--device mps: PyTorch finds no Apple GPU here", remedy="Use --device auto."
        )
    if wanted in {"cpu", "mps"}:
        return wanted
    return "cuda" if found else "cpu"


def _never() -> bool:
    return False


def gpu_has_bf16() -> bool:
    """Whether the GPU multiplies bfloat16 matrices itself: T4, V100 and RTX 20 only imitate it."""
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself; imitating it is slower."""
    import torch

    # Newer versions of PyTorch tell; older ones leave /proc/cpuinfo, where there is one.
    if hasattr(torch.cpu, "get_capabilities"):
        found = torch.cpu.get_capabilities()
        return any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))
    from pathlib import Path

    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(f" {name}" in text for name in ("avx512_bf16", "amx_bf16"))


def ran_out(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or in the machine.

    PyTorch raises three kinds of errors for that, one of them told only by its words.
    """
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)
