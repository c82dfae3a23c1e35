"""What lies in a checkpoint's folder: looked at before anything of it is loaded.

Whatever a library says of files that are no checkpoint is about its own insides ("header too
large"). Here each kind of folder that people mistake for one is told in a sentence.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glueharness import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CONFIG = "config.json"
SAFE = ("model.safetensors", "model.safetensors.index.json")
TORCH = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_LFS = b"version https://git-lfs.github.com/spec/"
_SAFE_HEADER_BYTES = 8
_REMEDY = (
    "A model is a folder with config.json, model.safetensors and the tokenizer's files, or a name "
    "on the hub such as roberta-base."
)
# Another program's weights, and how they become what is read here.
_FOREIGN = {
    "tf_model.h5": "TensorFlow's: AutoModel.from_pretrained(FOLDER, from_tf=True) of an older "
    "transformers (before 5) reads them, and save_pretrained writes them anew",
    "flax_model.msgpack": "Flax's: AutoModel.from_pretrained(FOLDER, from_flax=True) of an older "
    "transformers (before 5) reads them, and save_pretrained writes them anew",
    "bert_model.ckpt.index": "TensorFlow's first format: transformers' converter of original BERT "
    "checkpoints reads them",
    "rust_model.ot": "rust-bert's",
    "*.gguf": "llama.cpp's, which are for inference",
    "*.onnx": "ONNX, which is for inference",
    "onnx/*.onnx": "ONNX, which is for inference",
    "openvino_model.bin": "OpenVINO's, which are for inference",
}


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds no checkpoint.

    Raises:
        ModelError: It says what is missing, or what there is in its place.
    """
    if folder.is_file():
        raise ModelError("this is a file, not a folder", where=str(folder), remedy=_REMEDY)
    if not folder.is_dir():
        raise ModelError("there is no such folder", where=str(folder), remedy=_REMEDY)
    if why := lacks(folder):
        raise ModelError(f"the folder holds no model: {why}", where=str(folder))
    check_contents(folder)


def lacks(folder: Path) -> str:
    """What a folder lacks to be a checkpoint, in words; empty if nothing."""
    if not (folder / CONFIG).is_file():
        return _instead_of_config(folder)
    if any((folder / name).is_file() for name in (*SAFE, *TORCH)):
        return ""
    for name in (*SAFE, *TORCH):
        if (folder / name).is_symlink():
            return f"its {name} is a link to a file that is not there"
    for pattern, whose in _FOREIGN.items():
        if any(folder.glob(pattern)):
            return f"it has no {SAFE[0]}, and its weights are {whose}"
    if (folder / "adapter_config.json").is_file():
        return f"it has no {SAFE[0]}{_ADAPTER}"
    return f"it has no {SAFE[0]}"


_ADAPTER = (
    ", but an adapter of PEFT, which is of use only together with its base model: "
    "merge_and_unload() of peft and save_pretrained make a model of both"
)


def _instead_of_config(folder: Path) -> str:
    missing = f"it has no {CONFIG}"
    if (folder / "adapter_config.json").is_file():
        return f"{missing}{_ADAPTER}"
    if (folder / "model_index.json").is_file():
        return f"{missing}; it is a pipeline of diffusers, which makes images"
    inside = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))
    if inside:
        return f"{missing}, but its folder {inside[0]} has one: give that"
    if (folder / "refs").is_dir() and (folder / "snapshots").is_dir():
        return f"{missing}; it is a repository in the hub's cache: give the folder in snapshots/"
    if any(folder.glob("tokenizer*.json")) and any((folder / name).is_file() for name in SAFE):
        return f"{missing}, though it has weights and a tokenizer: it is a part of a model"
    return missing


def check_contents(folder: Path) -> None:
    """Refuse a checkpoint with a file that is not what its name says.

    Args:
        folder: A folder that lacks nothing (:func:`lacks`).

    Raises:
        ModelError: It names the file.
    """
    config = read_object(folder / CONFIG)
    quantised = config.get("quantization_config")
    if quantised:
        method = quantised.get("quant_method") if isinstance(quantised, dict) else ""
        raise ModelError(
            f"the weights are quantised{f' ({method})' if method else ''}, "
            "and such weights cannot be fine-tuned whole",
            where=str(folder / CONFIG),
            remedy="Take the checkpoint that they were made from.",
        )
    if (folder / "adapter_config.json").is_file():
        raise ModelError(
            "the folder holds a whole model and an adapter of PEFT, and with or without the "
            "adapter it is another model",
            where=str(folder),
            remedy="If the adapter is merged into the model, take adapter_config.json out of the "
            "folder; if not, merge it: merge_and_unload() of peft and save_pretrained.",
        )
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix in {".json", ".safetensors", ".bin", ".model", ".txt"}:
            _check_start(path)
    for name in (SAFE[1], TORCH[1]):
        if (folder / name).is_file() and not (folder / name.removesuffix(".index.json")).is_file():
            _check_pieces(folder, read_object(folder / name), name)


def _check_start(path: Path) -> None:
    """Refuse a file that stands for another one, or is none."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(512)
    where = str(path)
    if start.startswith(_LFS):
        raise ModelError(
            "the file is a Git LFS pointer: it names the real file, which was not fetched",
            where=where,
            remedy="Run `git lfs pull` in that folder, or download the model with `hf download`.",
        )
    weights = path.suffix in {".safetensors", ".bin"} and path.name != "training_args.bin"
    if not size and (weights or path.suffix == ".json"):
        raise ModelError("the file is empty", where=where, remedy="Copy or download it again.")
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise ModelError(
            "the file is a web page that was saved under this name",
            where=where,
            remedy="Download the model with `hf download`.",
        )
    if path.suffix == ".safetensors":
        header = int.from_bytes(start[:_SAFE_HEADER_BYTES], "little")
        if size < _SAFE_HEADER_BYTES or header > size - _SAFE_HEADER_BYTES:
            raise ModelError(
                "the file is damaged or cut short: it is no safetensors file of its size "
                f"({size} bytes)",
                where=where,
                remedy="Copy or download it again.",
            )


def _check_pieces(folder: Path, index: dict[str, Any], name: str) -> None:
    """Refuse weights in several files of which one is not there."""
    named = index.get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(each, str) for each in named.values()):
        raise ModelError("the index of the weights names no files", where=str(folder / name))
    pieces: Iterable[str] = sorted(set(named.values()))
    missing = [piece for piece in pieces if not (folder / piece).is_file()]
    if missing:
        raise ModelError(
            f"the weights are in several files, and {missing[0]} is not there "
            f"({len(missing)} of {len(set(named.values()))} are missing)",
            where=str(folder),
            remedy="Copy or download the model again.",
        )


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ModelError: It is something else.
    """
    _check_start(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"the file is no JSON in UTF-8: {reason}", where=str(path)) from error
    if not isinstance(found, dict):
        raise ModelError("the file holds no JSON object", where=str(path))
    return found
