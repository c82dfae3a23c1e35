"""Whether a checkpoint's tensors are those that its configuration promises, and hold numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from glueharness import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from transformers import PreTrainedModel

_NUMBER = re.compile(r"\.(\d+)\.")
_MOST = 0.5


def check_sizes(
    model: PreTrainedModel, report: Mapping[str, Any], head: Collection[str], where: Path
) -> None:
    """Refuse a checkpoint whose tensors have other sizes than its configuration says.

    Args:
        model: The model, made by the configuration.
        report: What transformers reports of loading it: keys missing, mismatched, unexpected.
        head: Names of the tensors that depend on the task.
        where: The checkpoint.

    Raises:
        ModelError: It names a tensor and its two shapes, or the layers that there are not.
    """
    others = sorted(each for each in report["mismatched_keys"] if each[0] not in head)
    if others:
        name, found, wanted = others[0]
        raise ModelError(
            f"config.json and the weights do not belong together: {name} is {list(found)} in the "
            f"weights, and {list(wanted)} by the configuration ({len(others)} tensors differ)",
            where=str(where),
            remedy="Take both from the same checkpoint.",
        )
    own = {_layer(name) for name in model.state_dict()}
    # A checkpoint of the encoder alone does not have its name before each tensor's.
    own |= {layer.removeprefix(f"{model.base_model_prefix}.") for layer in own}
    foreign = {_layer(name) for name in report["unexpected_keys"]} - own
    more = sorted(layer for layer in foreign if f"{layer.rpartition('.')[0]}.0" in own)
    if more:
        raise ModelError(
            f"the weights have more layers than config.json says ({len(more)} more, such as "
            f"{more[0]}), and those would be left out",
            where=str(where),
            remedy="Put the number of layers that there are into config.json, or take the layers "
            "out of the weights if that is meant.",
        )


def check_complete(model: PreTrainedModel, missing: Collection[str], where: Path) -> None:
    """Refuse a checkpoint without most of the encoder, or without whole layers of it.

    Args:
        model: The model.
        missing: Names of the encoder's tensors that the checkpoint lacks.
        where: The checkpoint.

    Raises:
        ModelError: They are so many that the rest would be of no use.
    """
    prefix = f"{model.base_model_prefix}."
    own = [name for name, _ in model.named_parameters() if name.startswith(prefix)]
    if len(missing) > _MOST * len(own):
        raise ModelError(
            f"{len(missing)} of the encoder's {len(own)} weights are not in the checkpoint, for "
            f"instance {min(missing)}: it is of another architecture than config.json says",
            where=str(where),
        )
    layers = {_layer(name) for name in missing} - {""}
    whole = sorted(
        layer
        for layer in layers
        if all(name in missing for name in own if name.startswith(f"{layer}."))
    )
    if whole:
        raise ModelError(
            f"config.json says more layers than the checkpoint has: of {whole[0]} there are no "
            "weights",
            where=str(where),
            remedy="Put the number of layers that there are into config.json.",
        )


def check_finite(model: PreTrainedModel, where: Path) -> None:
    """Refuse weights that are not numbers.

    Raises:
        ModelError: It names one of the tensors.
    """
    import torch

    bad = {}
    for name, parameter in model.named_parameters():
        # Its sum is finite if all values are: one pass, nothing to keep; overflow is looked at.
        if not bool(torch.isfinite(parameter.detach().sum())):
            count = int((~torch.isfinite(parameter.detach())).sum())
            if count:
                bad[name] = count
    if bad:
        name, count = next(iter(bad.items()))
        raise ModelError(
            f"the checkpoint is damaged: {name} holds {count:,} values that are no numbers "
            f"(NaN or infinite){f', and {len(bad) - 1} other tensors do' if len(bad) > 1 else ''}",
            where=str(where),
        )


def _layer(name: str) -> str:
    """The part of a tensor's name up to its first number: the layer that it is of."""
    found = _NUMBER.search(name)
    return name[: found.end(1)] if found else ""
