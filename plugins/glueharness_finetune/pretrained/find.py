"""Where a checkpoint's files come from: a folder, the hub's cache, the hub, or nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from glueharness import ModelError
from glueharness_finetune.pretrained.files import CONFIG, SAFE, check_folder, lacks

if TYPE_CHECKING:
    from collections.abc import Mapping

_OTHERS = (
    CONFIG, "tokenizer*", "vocab*", "merges.txt", "*.model", "special_tokens_map.json",
    "added_tokens.json", "bpe.codes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshStart:
    """How to make an encoder where its weights are not to be had.

    Attributes:
        model_type: Type in the terms of transformers, for instance ``"bert"``.
        architecture: Sizes, by the names of its configuration.
        vocabulary: Size of the vocabulary that is learnt from the training texts.
        recipe: Settings that serve a start from nothing, where the user has chosen none.
    """

    model_type: str
    architecture: Mapping[str, Any]
    vocabulary: int
    recipe: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A pretrained encoder.

    Attributes:
        name: Folder, or id on the hub.
        revision: Revision on the hub, best a commit; empty: its main branch.
        pinned: Whether nothing but that revision will do: the user has asked for it.
        fresh: How to begin without its weights; None if that is an error.
        model_type: Another architecture than its own to load the weights into, registered with
            transformers, for instance one with a head of one's own; empty: its own.
    """

    name: str
    revision: str = ""
    pinned: bool = False
    fresh: FreshStart | None = None
    model_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A checkpoint's files.

    Attributes:
        folder: Where they lie; None if they are not to be had and the weights are fresh.
        how: ``folder``, ``hub cache``, ``hub`` or ``fresh``.
        revision: The commit on the hub; empty if there is none.
        tried: Places tried in vain: name and reason.
        warning: What the user should know; empty if nothing.
    """

    folder: Path | None
    how: str
    revision: str = ""
    tried: tuple[tuple[str, str], ...] = ()
    warning: str = ""


def checkpoint_named(argument: str) -> Checkpoint:
    """What stands behind ``hf:``, as a folder, ``NAME`` or ``NAME@REVISION``.

    Raises:
        ModelError: The name or the revision is missing.
    """
    name, at, revision = argument.rpartition("@")
    if not at or looks_like_folder(argument) or Path(argument).is_dir():
        return Checkpoint(name=argument)
    if not name or not revision:
        raise ModelError(
            f"hf:{argument} lacks {'a revision' if name else 'a name'}",
            remedy="It is hf:NAME@REVISION, the revision being a commit, a branch or a tag.",
        )
    return Checkpoint(name=name, revision=revision, pinned=True)


def looks_like_folder(name: str) -> bool:
    """Whether a model's name can only be a path."""
    return (
        name.startswith((".", "~", os.sep)) or "\\" in name or name.count("/") > 1
        or Path(name).is_absolute()
    )  # fmt: skip


def find_checkpoint(checkpoint: Checkpoint, *, weights: Path | None, offline: bool) -> Found:
    """Find a checkpoint's files, downloading them if need be.

    Args:
        checkpoint: What to find.
        weights: Folder that the user gave for it; nothing else is tried then.
        offline: Whether the network must not be touched.

    Raises:
        ModelError: It is nowhere to be had and cannot begin with fresh weights, or the hub has it
            and the download broke off.
    """
    own = weights or Path(checkpoint.name).expanduser()
    if weights is not None or own.is_dir() or looks_like_folder(checkpoint.name):
        check_folder(own)
        return Found(folder=own, how="folder")
    tried: list[tuple[str, str]] = [("folder", f"there is no folder {checkpoint.name}")]
    replaceable = checkpoint.revision and not checkpoint.pinned
    found = (
        in_cache(checkpoint, checkpoint.revision or "main", tried)
        or _on_hub(checkpoint, tried, offline=offline)
        or (in_cache(checkpoint, "main", []) if replaceable else None)
    )
    if found is not None:
        return found
    if checkpoint.fresh is None:
        listing = "\n".join(f"  {place}: {reason}" for place, reason in tried)
        at = f" at revision {checkpoint.revision!r}" if checkpoint.pinned else ""
        raise ModelError(
            f"the model {checkpoint.name!r}{at} is nowhere to be had",
            remedy=f"Tried:\n{listing}\nThe ways on: give a folder (hf:./FOLDER), fill the hub's "
            f"cache on a machine with a network (hf download {checkpoint.name}), or run where "
            "the hub can be reached.",
        )
    return Found(folder=None, how="fresh", tried=tuple(tried))


def in_cache(checkpoint: Checkpoint, revision: str, tried: list[tuple[str, str]]) -> Found | None:
    """A checkpoint in the hub's cache; None, and the reason in ``tried``, if it is not there.

    Raises:
        ModelError: Its name can be no name on the hub.
    """
    from huggingface_hub import try_to_load_from_cache

    try:
        path = try_to_load_from_cache(checkpoint.name, CONFIG, revision=revision)
    except ValueError as error:
        raise ModelError(
            f"{checkpoint.name!r} is neither a folder nor a name on the hub: {error}"
        ) from error
    if not isinstance(path, str):
        tried.append(("hub cache", "it is not there"))
        return None
    folder = Path(path).parent
    if why := lacks(folder):
        tried.append(("hub cache", why))
        return None
    warning = ""
    if checkpoint.revision and revision != checkpoint.revision:
        warning = (
            f"The weights of {checkpoint.name} are from the hub's cache, in another revision "
            f"than the pinned one: {folder.name[:12]}, not {checkpoint.revision[:12]}."
        )
    return Found(folder=folder, how="hub cache", revision=folder.name, warning=warning)


def _on_hub(checkpoint: Checkpoint, tried: list[tuple[str, str]], *, offline: bool) -> Found | None:
    from logging import CRITICAL

    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.utils import logging as client_log
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from glueharness.system.network import why_unreachable

    switched_off = constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "0") == "1"
    if offline or switched_off:
        reason = "--offline is given" if offline else "HF_HUB_OFFLINE is set"
        tried.append(("hub", f"not asked: {reason}"))
        return None
    # The client tries again and again where nothing answers: ask once before it does.
    if reason := why_unreachable(constants.ENDPOINT):
        tried.append(("hub", f"{constants.ENDPOINT} does not answer: {reason}"))
        return None
    try:
        info = HfApi().model_info(checkpoint.name, revision=checkpoint.revision or None)
    except Exception as error:  # noqa: BLE001 - the client lets its transport's errors through
        tried.append(("hub", _in_words(error)))
        return None
    names = {item.rfilename for item in info.siblings or ()}
    weights = "*.safetensors*" if names & set(SAFE) else "pytorch_model*"
    disable_progress_bars()
    # The client tells of each attempt; what went wrong is told once, by the error.
    verbosity = client_log.get_verbosity()
    client_log.set_verbosity(CRITICAL)
    try:
        folder = snapshot_download(
            checkpoint.name,
            # By its name, not its commit: else the cache would not know what the name stands for.
            revision=checkpoint.revision or None,
            allow_patterns=[*_OTHERS, weights, "*.py"],
        )
    except Exception as error:
        # The hub has it: to begin with fresh weights now would be another experiment.
        raise ModelError(
            f"the download of {checkpoint.name} from {constants.ENDPOINT} broke off: "
            f"{_in_words(error)}",
            remedy="Run the same command again: files that have arrived are kept. Or give the "
            "weights in a folder: --weights FOLDER",
        ) from error
    finally:
        client_log.set_verbosity(verbosity)
    if why := lacks(Path(folder)):
        tried.append(("hub", why))
        return None
    return Found(folder=Path(folder), how="hub", revision=Path(folder).name)


def _in_words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
