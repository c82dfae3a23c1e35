"""A data set of the hub, looked at whole: its configurations, splits and fields."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError, DataError, SourceUnavailable, UnknownNameError
from glueharness_hub.environment import check_environment
from glueharness_hub.explanation import explain, in_words
from glueharness_hub.quiet import quiet_datasets
from glueharness_hub.request import Unreachable, ask, endpoint, why_not_asked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDataset:
    """A configuration of a data set, at a commit.

    Attributes:
        name: The repository, ``owner/name``.
        config: The configuration.
        commit: The commit.
        splits: The hub's name of a split to a ``datasets.Dataset``.
    """

    name: str
    config: str
    commit: str
    splits: Mapping[str, Any]


def fetch_dataset(name: str, config: str, revision: str, *, offline: bool) -> HubDataset:
    """Download a data set into the cache, or find it there if the hub is not to be asked.

    Args:
        name: The repository.
        config: The configuration; empty for the only one, or the one called ``default``.
        revision: Branch, tag or commit; empty for the main branch.
        offline: Whether the network must not be used.

    Raises:
        SourceUnavailable: The hub is not to be asked or cannot be reached, and the cache does not
            have it.
        ConfigError: It has no such configuration, or several and none was named.
        DataError: The hub does not give it, or the download broke off.
    """
    check_environment()
    if reason := why_not_asked(offline=offline):
        return _cached(name, config, revision, reason)
    try:
        commit = ask("datasets", name, revision).commit
    except Unreachable as error:
        reason = f"{endpoint()} cannot be reached: {error}"
        return _cached(name, config, revision, reason)
    except Exception as error:
        raise _refused(name, error, "the data set cannot be read") from error
    with quiet_datasets() as datasets:
        place = unmistakable(name)
        try:
            known = datasets.get_dataset_config_names(place, revision=commit)
        except Exception as error:
            raise _refused(name, error, "its configurations cannot be listed") from error
        chosen = _config(config, known, name)
        try:
            builder = datasets.load_dataset_builder(place, chosen, revision=commit)
            builder.download_and_prepare()
            splits = dict(builder.as_dataset())
        except Exception as error:
            raise _refused(name, error, "the download of the data broke off") from error
    return HubDataset(name=name, config=chosen, commit=commit, splits=splits)


def unmistakable(repository: str) -> str:
    """A name that ``datasets`` does not take for the folder of that name, if there is one."""
    return f"hf://datasets/{repository}" if Path(repository).exists() else repository


def datasets_cache() -> Path:
    """The folder in which ``datasets`` keeps what it has prepared."""
    from huggingface_hub import constants

    root = os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets"
    return Path(root).expanduser()


def prepared_name(repository: str) -> str:
    """The folder below :func:`datasets_cache` in which ``datasets`` prepares a repository."""
    from datasets.naming import camelcase_to_snakecase

    owner, _, name = repository.rpartition("/")
    return "___".join(filter(None, (owner, camelcase_to_snakecase(name))))


def read_prepared(datasets: Any, folder: Path) -> dict[str, Any]:
    """The splits that ``datasets`` has prepared in a folder of its cache.

    They are read directly: ``load_dataset`` would ask the hub first.

    Raises:
        Exception: What the library raises for files that are damaged or missing.
    """
    info = datasets.DatasetInfo.from_directory(str(folder))
    return {
        name: datasets.concatenate_datasets(
            [datasets.Dataset.from_file(str(file)) for file in _arrow(folder, name)]
        )
        for name in info.splits
    }


def _arrow(folder: Path, split: str) -> list[Path]:
    files = sorted([*folder.glob(f"*-{split}.arrow"), *folder.glob(f"*-{split}-*-of-*.arrow")])
    if not files:
        raise FileNotFoundError(f"there is no file of the {split} split")
    return files


def _config(wanted: str, known: Sequence[str], name: str) -> str:
    if wanted:
        if wanted not in known:
            raise UnknownNameError.among("configuration", wanted, known)
        return wanted
    if len(known) == 1 or _DEFAULT in known:
        return _DEFAULT if _DEFAULT in known else known[0]
    raise ConfigError(
        f"{name} has several configurations: {', '.join(known)}",
        remedy=f"Say which: {name}:{known[0]}",
    )


def _cached(name: str, config: str, revision: str, reason: str) -> HubDataset:
    """What the cache has of a data set, if it is clear which of it is meant."""
    root = datasets_cache() / prepared_name(name)
    found = [
        info.parent
        for info in sorted(root.glob("*/0.0.0/*/dataset_info.json"))
        if config in {"", info.parts[-4]} and info.parts[-2].startswith(revision)
    ]
    if len(found) != 1:
        several = ", ".join(f"{name}:{at.parts[-3]}@{at.name[:12]}" for at in found)
        raise SourceUnavailable(
            f"the data set {name!r}: the cache "
            + (f"has several of it ({several})" if found else "does not have it")
            + f", and {reason}",
            remedy="Say which: NAME:CONFIGURATION@COMMIT."
            if found
            else f"Run where {endpoint()} or its cache (HF_HOME) can be reached.",
        )
    (folder,) = found
    with quiet_datasets() as datasets:
        try:
            splits = read_prepared(datasets, folder)
        except Exception as error:
            raise DataError(
                f"the cached data cannot be read: {in_words(error)}",
                where=str(folder),
                remedy=f"Remove the folder {folder}; the data are then downloaded again.",
            ) from error
    return HubDataset(name=name, config=folder.parts[-3], commit=folder.name, splits=splits)


def _refused(name: str, error: BaseException, what: str) -> DataError:
    told = explain(error, name)
    return DataError(f"{what}: {told.what}", where=name, remedy=told.remedy)
