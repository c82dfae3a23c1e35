"""What ``glueharness doctor`` shows of the engine: devices, formats, hub, caches, weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import DiagnosticSpec, Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_finetune.pretrained.find import Checkpoint


def engine_facts(offline: bool) -> list[Fact]:
    """Devices and number formats, then hub and caches."""
    import torch

    from glueharness.run.environment import core_count
    from glueharness_finetune.runtime import cpu_has_bf16

    number_format = "bf16 and fp32" if cpu_has_bf16() else "fp32 (bf16 would be imitated)"
    facts = [
        Fact(name="PyTorch", value=f"{torch.__version__}, {core_count()} threads"),
        Fact(name="processor", value=number_format),
    ]
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        memory = properties.total_memory / 2**30
        facts.append(Fact(name=f"GPU {number}", value=f"{properties.name}, {memory:.0f} GiB"))
    if not torch.cuda.is_available():
        facts.append(Fact(name="GPU", value="none that PyTorch can use"))
    return [*facts, *_hub_facts(offline=offline)]


def _hub_facts(*, offline: bool) -> list[Fact]:
    from huggingface_hub import constants

    from glueharness_hub import why_not_asked, why_unreachable

    if reason := why_not_asked(offline=offline):
        hub = Fact(name="hub", value=f"{constants.ENDPOINT}: not asked: {reason}")
    else:
        reason = why_unreachable()
        hub = Fact(
            name="hub",
            value=f"{constants.ENDPOINT}: {reason or 'reachable'}",
            remedy="Data: --data-dir FOLDER. Weights: --weights FOLDER or hf:FOLDER."
            if reason
            else "",
        )
    return [hub, Fact(name="hub cache", value=str(constants.HF_HUB_CACHE))]


def weights_diagnostic(name: str, checkpoints: Sequence[Checkpoint]) -> DiagnosticSpec:
    """A diagnostic that shows where the weights of named encoders would come from.

    Args:
        name: Heading of its lines.
        checkpoints: The encoders' checkpoints.
    """

    def look(offline: bool) -> list[Fact]:
        return [_weights_fact(checkpoint, offline=offline) for checkpoint in checkpoints]

    return DiagnosticSpec(name=name, factory=look)


def _weights_fact(checkpoint: Checkpoint, *, offline: bool) -> Fact:
    """Where a checkpoint would come from; nothing is downloaded."""
    from huggingface_hub import constants

    from glueharness_finetune.pretrained.find import in_cache
    from glueharness_hub import why_not_asked, why_unreachable

    tried: list[tuple[str, str]] = []
    found = in_cache(checkpoint, checkpoint.revision or "main", tried)
    if found is not None:
        return Fact(name=checkpoint.name, value=f"hub cache, {found.folder}")
    if not why_not_asked(offline=offline) and not why_unreachable():
        return Fact(name=checkpoint.name, value=f"would be downloaded from {constants.ENDPOINT}")
    return Fact(
        name=checkpoint.name,
        value="could not be found: a run would start with fresh weights",
        remedy=f"Fill the cache on a machine with a network: hf download {checkpoint.name}",
    )
