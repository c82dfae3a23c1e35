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
    from collections.abc import Iterable, Mapping

_OTHERS = (
    CONFIG, "tokenizer*", "vocab*", "merges.txt", "*.model", "special_tokens_map.json",
    "added_tokens.json", "bpe.codes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshStart:
    """How to make an encoder where its weights cannot be found.

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
        folder: Where they lie; None if they could not be found and the weights are fresh.
        how: ``folder``, ``hub cache``, ``hub`` or ``fresh``.
        commit: The commit on the hub, in full; empty if they are not from there.
        tried: Places tried in vain: name and reason.
        warning: What the user should know; empty if nothing.
    """

    folder: Path | None
    how: str
    commit: str = ""
    tried: tuple[tuple[str, str], ...] = ()
    warning: str = ""


def checkpoint_named(argument: str) -> Checkpoint:
    """What stands behind ``hf:``, as a folder, ``NAME`` or ``NAME@REVISION``.

    Raises:
        ModelError: The name or the revision is missing.
    """
    if argument.lower().startswith(("https://", "http://", "hf:")):
        raise ModelError(
            f"{argument} is not the name of a model",
            remedy="On the hub it has a name of one or two parts, such as roberta-base or "
            "microsoft/deberta-v3-base: hf:NAME.",
        )
    # A revision may hold slashes, as refs/pr/1 does; a name on the hub has one at most.
    name, at, revision = argument.partition("@")
    if not at or looks_like_folder(name) or _is_folder(Path(argument)):
        return Checkpoint(name=argument)
    if not name or not revision:
        raise ModelError(
            f"hf:{argument} lacks {'a revision' if name else 'a name'}",
            remedy="It is hf:NAME@REVISION, the revision being a commit, a branch or a tag.",
        )
    return Checkpoint(name=name, revision=revision, pinned=True)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # the name is longer than any file's
        return False


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
        ModelError: It could not be found and cannot begin with fresh weights; or the hub does not
            give it, or the download broke off. Fresh weights are for a hub that is absent alone.
    """
    from glueharness_hub import check_environment

    check_environment()  # transformers imports the client too, whatever the checkpoint
    own = weights or Path(checkpoint.name).expanduser()
    if weights is not None or _is_folder(own) or looks_like_folder(checkpoint.name):
        check_folder(own)
        return Found(folder=own, how="folder")
    tried: list[tuple[str, str]] = [("folder", f"there is no folder {checkpoint.name}")]
    replaceable = checkpoint.revision and not checkpoint.pinned
    cached = in_cache(checkpoint, checkpoint.revision or "main", tried)
    if cached is not None and _all_arrived(checkpoint, cached):
        return cached
    found = (
        _on_hub(checkpoint, tried, offline=offline)
        or cached
        or (in_cache(checkpoint, "main", []) if replaceable else None)
    )
    if found is not None:
        return found
    if checkpoint.fresh is None:
        listing = "\n".join(f"  {place}: {reason}" for place, reason in tried)
        at = f" at revision {checkpoint.revision!r}" if checkpoint.pinned else ""
        raise ModelError(
            f"the model {checkpoint.name!r}{at} could not be found",
            remedy=f"Tried:\n{listing}\nYou can give a folder (hf:./FOLDER), fill the hub's "
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
    return Found(folder=folder, how="hub cache", commit=folder.name, warning=warning)


def _all_arrived(checkpoint: Checkpoint, cached: Found) -> bool:
    """Whether a download that was broken off left nothing out, as far as the client remembers."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    from glueharness_hub import quiet_client

    assert cached.folder is not None  # noqa: S101 - it is in the cache
    names = {path.name for path in cached.folder.iterdir()}
    try:
        with quiet_client():
            snapshot_download(
                checkpoint.name,
                revision=cached.commit,
                allow_patterns=_wanted(names),
                local_files_only=True,
            )
    except LocalEntryNotFoundError:
        return False
    return True


def _wanted(names: Iterable[str]) -> list[str]:
    """Patterns of the files to have, for a repository with files of these names."""
    weights = "*.safetensors*" if set(names) & set(SAFE) else "pytorch_model*"
    return [*_OTHERS, weights, "*.py"]


def _on_hub(checkpoint: Checkpoint, tried: list[tuple[str, str]], *, offline: bool) -> Found | None:
    """A checkpoint from the hub; None, and the reason in ``tried``, if there is no hub.

    Raises:
        ModelError: The hub answers, and does not give it: to begin with fresh weights now would be
            another experiment.
    """
    from glueharness_hub import Unreachable, ask, download, endpoint, why_not_asked

    if reason := why_not_asked(offline=offline):
        tried.append(("hub", reason))
        return None
    at = f" at revision {checkpoint.revision[:12]}" if checkpoint.revision else ""
    what = f"the weights of {checkpoint.name}{at} cannot be downloaded"
    try:
        repository = ask("models", checkpoint.name, checkpoint.revision)
        what = f"the download of {checkpoint.name} broke off"
        folder = download("models", checkpoint.name, checkpoint.revision, _wanted(repository.files))
    except Unreachable as reason_of:
        tried.append(("hub", f"{endpoint()} cannot be reached: {reason_of}"))
        return None
    except Exception as error:
        raise _refused(checkpoint, error, what) from error
    if why := lacks(folder):
        there = ", ".join(sorted(repository.files)[:8]) or "nothing"
        raise ModelError(
            f"the repository holds no model: {why}; there is {there}",
            where=f"{endpoint()}/{checkpoint.name}",
        )
    return Found(folder=folder, how="hub", commit=folder.name)


def _refused(checkpoint: Checkpoint, error: Exception, what: str) -> ModelError:
    from glueharness_hub import explain

    told = explain(error, checkpoint.name)
    ways = "Or give the weights in a folder: --weights FOLDER, or hf:./FOLDER for the model."
    if checkpoint.fresh is not None:
        ways = (
            "Or give the weights in a folder (--weights FOLDER), or begin with fresh weights "
            "(--offline)."
        )
    return ModelError(f"{what}: {told.what}", remedy=f"{told.remedy}\n{ways}")
