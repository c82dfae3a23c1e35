"""A checkpoint's configuration, also where it does not say of what architecture it is."""

from __future__ import annotations

import json
import math
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from glueharness import ModelError
from glueharness.errors import did_you_mean
from glueharness_finetune.pretrained.files import CONFIG, SAFE, TORCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from transformers import PretrainedConfig


def read_config(folder: Path, hint: str = "", **options: Any) -> PretrainedConfig:
    """The configuration of a checkpoint.

    Repositories of the first years name no ``model_type``. transformers then looks for the name of
    an architecture anywhere in the path, and finds ALBERT in ``/home/albert/bert``; here the names
    of the tensors tell.

    Args:
        folder: The checkpoint.
        hint: Its architecture, where whoever asks knows; what the files say goes before.
        options: For ``AutoConfig.from_pretrained``.

    Raises:
        ModelError: Nothing tells the architecture.
    """
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    content: Mapping[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    _check_labels(content.get("id2label"), folder)
    _check_numbers(content, folder)
    own_code = "AutoConfig" in (content.get("auto_map") or {})
    named = content.get("model_type")
    if named and not own_code and (not isinstance(named, str) or named not in CONFIG_MAPPING):
        near = did_you_mean(str(named), list(CONFIG_MAPPING))
        raise ModelError(
            f"transformers {version('transformers')} does not know the architecture {named!r}"
            f"{near}",
            where=str(folder / CONFIG),
            remedy="A newer version of transformers may know it.",
        )
    if named or own_code:
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, **options)
        return config
    found = _by_class(content) or _by_tensors(folder) or hint
    if not found:
        raise ModelError(
            "the configuration does not say what architecture the model has (model_type)",
            where=str(folder / CONFIG),
            remedy='Add it there, for instance "model_type": "bert".',
        )
    return CONFIG_MAPPING[found].from_pretrained(folder, local_files_only=True)


def _check_labels(named: Any, folder: Path) -> None:
    """Refuse names of outputs that are not a name for each number."""
    if named is None:
        return
    if not isinstance(named, dict) or not all(
        number.isdecimal() and isinstance(name, str | int) for number, name in named.items()
    ):
        raise ModelError(
            "id2label does not give each output's number a name",
            where=str(folder / CONFIG),
            remedy='It must be like {"0": "no", "1": "yes"}, or not be there.',
        )


def _check_numbers(content: Mapping[str, Any], folder: Path) -> None:
    """Refuse numbers that cannot be meant, and that a library would stumble over much later."""
    for name, value in content.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ModelError(f"{name} is {value}, and no number", where=str(folder / CONFIG))
        rate = "dropout" in name or name.endswith("pdrop")
        if rate and isinstance(value, int | float) and not 0 <= value <= 1:
            raise ModelError(f"{name} is {value}, and no rate", where=str(folder / CONFIG))
    padding, words = content.get("pad_token_id"), content.get("vocab_size")
    if isinstance(padding, int) and isinstance(words, int) and padding >= words:
        raise ModelError(
            f"pad_token_id is {padding}, and there are only {words} tokens (vocab_size)",
            where=str(folder / CONFIG),
        )


def _by_class(content: Mapping[str, Any]) -> str:
    """The architecture by the class that the configuration names; empty if it names none."""
    from transformers.models.auto import modeling_auto as auto

    named = set(content.get("architectures") or ())
    tables = (
        auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        auto.MODEL_MAPPING_NAMES,
        auto.MODEL_FOR_PRETRAINING_MAPPING_NAMES,
        auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    )
    for table in tables:
        for model_type, classes in table.items():
            if named & ({classes} if isinstance(classes, str) else set(classes)):
                return str(model_type)
    return ""


def _by_tensors(folder: Path) -> str:
    """The architecture by what most of the tensors are called; empty if that is no name of one."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    starts = [name.partition(".")[0].replace("_", "-") for name in tensor_names(folder)]
    common = max(set(starts), key=starts.count, default="")
    return common if common in CONFIG_MAPPING else ""


def tensor_names(folder: Path) -> Iterable[str]:
    """The names of a checkpoint's tensors.

    Raises:
        ModelError: The files are damaged.
    """
    for index in (SAFE[1], TORCH[1]):
        if (folder / index).is_file():
            content = json.loads((folder / index).read_text(encoding="utf-8"))
            return list(content["weight_map"])
    if (folder / SAFE[0]).is_file():
        from safetensors import safe_open

        with safe_open(folder / SAFE[0], "pt") as opened:
            return list(opened.keys())
    import torch

    return list(torch.load(folder / TORCH[0], map_location="meta", weights_only=True))
