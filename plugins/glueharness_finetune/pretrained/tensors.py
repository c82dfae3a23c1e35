"""Whether a checkpoint's tensors are those that its configuration promises, and hold numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from glueharness import ModelError
from glueharness_finetune.pretrained.files import SAFE, TORCH
from glueharness_finetune.pretrained.soundness import LARGEST_WEIGHT, MOST_FLAT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import torch
    from transformers import PreTrainedModel

_NUMBER = re.compile(r"\.(\d+)\.")
_MOST = 0.5
_WRAPPERS = ("module.", "_orig_mod.", "model.module.")
# Not learnt: computed anew by every model that uses them, and stored by older versions.
_DERIVED = (
    ".position_ids", ".inv_freq", ".attn.bias", ".masked_bias", ".embed_positions",
    ".attention.bias", ".causal_mask",
)  # fmt: skip
_EIGHT_BITS = {"I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4"}


def check_sizes(report: Mapping[str, Any], head: Collection[str], where: Path) -> None:
    """Refuse a checkpoint whose tensors have other sizes than its configuration says.

    Args:
        report: What transformers reports of loading it; its mismatched keys are looked at.
        head: Names of the tensors that depend on the task.
        where: The checkpoint.

    Raises:
        ModelError: It names a tensor and its two shapes.
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


def check_layers(model: PreTrainedModel, others: Collection[str], where: Path) -> None:
    """Refuse a checkpoint with layers of the encoder that the model does not have.

    Args:
        model: The model.
        others: Names of the checkpoint's tensors that the model has no place for.
        where: The checkpoint.

    Raises:
        ModelError: It names one of the layers.
    """
    more = _layers_left_out(model, others)
    if more:
        raise ModelError(
            f"the weights have more layers than config.json says ({len(more)} more, such as "
            f"{more[0]}), and those would be left out",
            where=str(where),
            remedy="Put the number of layers that there are into config.json, or take the layers "
            "out of the weights if that is meant.",
        )


def check_parts(model: PreTrainedModel, others: Collection[str], where: Path) -> None:
    """Refuse a checkpoint whose layers compute with more than the model's do.

    What transformers has no place for, it drops: BERT's tables of relative positions since its
    version 5, the matrices of adapters that were not merged, a weight in another parametrization.

    Args:
        model: The model.
        others: Names of the checkpoint's tensors that the model has no place for.
        where: The checkpoint.

    Raises:
        ModelError: It names one of them.
    """
    layers = {_layer(name) for name, _ in model.named_parameters()} - {""}
    layers |= {layer.removeprefix(f"{model.base_model_prefix}.") for layer in layers}
    more = sorted(name for name in others if _layer(name) in layers and not name.endswith(_DERIVED))
    if more:
        raise ModelError(
            f"{len(more)} weights inside of the checkpoint's layers would be left out, such as "
            f"{more[0]}: {type(model).__name__} of this version of transformers has no place for "
            "them, and would compute something else",
            where=str(where),
            remedy="If they are adapters or another form of a weight, merge them and save the "
            "model anew; if an older transformers used them, take another checkpoint.",
        )


def _layers_left_out(model: PreTrainedModel, unexpected: Collection[str]) -> list[str]:
    """The layers of the checkpoint's encoder that the model does not have."""
    prefix = f"{model.base_model_prefix}."
    own = {_layer(name) for name in model.state_dict()}
    # A checkpoint of the encoder alone does not have its name before each tensor's.
    own |= {layer.removeprefix(prefix) for layer in own}
    # A stack that the model has none of at all is another matter: Funnel's classifier, for
    # instance, has no use for the decoder that was pretrained with it.
    stems = {_stem(layer) for layer in own}
    foreign = {_layer(name) for name in unexpected} - own - {""}
    if own == {""}:
        stems |= {_stem(layer) for layer in foreign}
    return sorted(layer for layer in foreign if _stem(layer) in stems)


def check_complete(
    model: PreTrainedModel, missing: Collection[str], others: Collection[str], where: Path
) -> None:
    """Refuse a checkpoint without most of the encoder, its embedding, or whole layers of it.

    Args:
        model: The model.
        missing: Names of the encoder's tensors that the checkpoint lacks.
        others: Names of the checkpoint's tensors that the model has no place for.
        where: The checkpoint.

    Raises:
        ModelError: They are so many that the rest would be of no use.
    """
    prefix = f"{model.base_model_prefix}."
    own = [name for name, _ in model.named_parameters() if name.startswith(prefix)]
    if len(missing) > _MOST * len(own):
        there = f", but others are, such as {min(others)}" if others else ""
        wrapped = any(name.startswith(_WRAPPERS) for name in others)
        raise ModelError(
            f"{len(missing)} of the encoder's {len(own)} weights are not in the checkpoint, for "
            f"instance {min(missing)}{there}"
            + ("" if wrapped else ": it is of another architecture than config.json says"),
            where=str(where),
            remedy="Its tensors have the prefix of a wrapper (DataParallel, torch.compile, "
            "Lightning): save the model inside of that."
            if wrapped
            else "Take config.json and weights from the same checkpoint.",
        )
    words = _word_embedding(model)
    if words in missing:
        raise ModelError(
            f"the word embedding ({words}) is not in the checkpoint: every word would be random",
            where=str(where),
            remedy="Copy or download the checkpoint again.",
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


def check_values(model: PreTrainedModel, where: Path) -> None:
    """Refuse weights that are not numbers, no weights by their size, or all the same.

    Raises:
        ModelError: It names one of the tensors.
    """
    bad, flat = {}, []
    for name, parameter in model.named_parameters():
        values = parameter.detach()
        if not values.numel():
            continue
        low, high = (float(bound) for bound in values.aminmax())
        # Also of a NaN, no comparison holds.
        if not (low > -LARGEST_WEIGHT and high < LARGEST_WEIGHT):
            bad[name] = _what_is_wrong(values)
        if values.dim() == 2:
            flat.append(bool((values[0] == values.flatten()[0]).all()))
    if bad:
        name, wrong = next(iter(bad.items()))
        raise ModelError(
            f"the checkpoint is damaged: {name} holds {wrong}"
            f"{f', and {len(bad) - 1} other tensors do' if len(bad) > 1 else ''}",
            where=str(where),
            remedy="Copy or download it again.",
        )
    if len(flat) > 1 and sum(flat) > MOST_FLAT * len(flat):
        raise ModelError(
            f"the checkpoint is damaged: {sum(flat)} of its {len(flat)} matrices hold nothing but "
            "one and the same value",
            where=str(where),
            remedy="Copy or download it again.",
        )


def _what_is_wrong(values: torch.Tensor) -> str:
    """How many values are no numbers; where all are, how large the largest is."""
    finite = values.isfinite()
    if count := int((~finite).sum()):
        return f"{count:,} values that are no numbers (NaN or infinite)"
    return f"the value {float(values.abs().max()):.3g}, which no training gives a weight"


def check_stored(folder: Path) -> None:
    """Refuse weights that are stored as something else than named floating-point tensors.

    Raises:
        ModelError: They are whole numbers, of eight bits, or not tensors by name.
    """
    for path in sorted(folder.glob("*.safetensors")):
        from safetensors import safe_open

        with safe_open(path, "pt") as opened:
            # Only weights: a mask of old checkpoints may be stored in bytes.
            names = [name for name in opened.keys() if name.endswith("weight")]  # noqa: SIM118
            small = [name for name in names if opened.get_slice(name).get_dtype() in _EIGHT_BITS]
        if small:
            raise ModelError(
                f"the weights are stored in eight bits ({small[0]} and {len(small) - 1} others), "
                "and such weights cannot be fine-tuned whole",
                where=str(path),
                remedy="Take the checkpoint that they were made from.",
            )
    path = folder / TORCH[0]
    if path.is_file() and not any((folder / name).is_file() for name in SAFE):
        import torch

        content = torch.load(path, map_location="meta", weights_only=True)
        if not isinstance(content, dict) or not any(
            isinstance(value, torch.Tensor) for value in content.values()
        ):
            inside = (
                f" but {', '.join(map(str, content))[:80]}" if isinstance(content, dict) else ""
            )
            raise ModelError(
                f"the file holds no tensors by name{inside}",
                where=str(path),
                remedy="It may be the checkpoint of a training program: load the model there, and "
                "write it with save_pretrained.",
            )


def _word_embedding(model: PreTrainedModel) -> str:
    """The name of the word embedding's weight; empty if there is none."""
    try:
        weight = model.get_input_embeddings().weight
    except (NotImplementedError, AttributeError):
        return ""
    return next((name for name, own in model.named_parameters() if own is weight), "")


def _layer(name: str) -> str:
    """The part of a tensor's name up to its first number: the layer that it is of."""
    found = _NUMBER.search(name)
    return name[: found.end(1)] if found else ""


def _stem(layer: str) -> str:
    """A layer's name without its number."""
    return layer.rpartition(".")[0]
