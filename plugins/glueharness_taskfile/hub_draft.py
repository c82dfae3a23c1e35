"""Describes a task by a data set of the hub: splits, texts and labels are found by their names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import LABEL_COLUMN, ConfigError, TaskDraft, UnknownNameError
from glueharness_hub import fetch_dataset
from glueharness_taskfile.labels import find_labels
from glueharness_taskfile.written import check_fields, checked_name, toml_text, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glueharness import DraftRequest
    from glueharness_hub import HubDataset

_DATASET = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::([\w.+-]+))?(?:@([\w./-]+))?")
_DEV = ("validation", "dev", "val")
_NUMBERS = {"idx", "index", "id", "guid", "uid", "pairID", "promptID"}
"""Fields that number the rows, even where they are texts."""


def draft_of_dataset(request: DraftRequest) -> TaskDraft:
    """Describe a task; see :meth:`glueharness.TaskDrafter.draft`."""
    parts = _DATASET.fullmatch(request.dataset)
    if parts is None:
        _refuse_path(request.dataset)
        raise ConfigError(
            f"{request.dataset!r} is no data set of the hub",
            remedy="Give owner/name; :configuration and @revision may follow.",
        )
    repository, config, revision = (part or "" for part in parts.groups())
    found = fetch_dataset(repository, config, revision, offline=request.offline)
    splits = _splits(found, request.dev_split)
    train = found.splits[splits["train"]]
    request = replace(request, label=request.label or _label(train))
    request = replace(request, texts=request.texts or _texts(train, request))
    check_fields(request, list(train.column_names))
    labels = find_labels(_labels(found, splits, request.label), request.label, request.choices,
                         f"{found.name}/{found.config}")  # fmt: skip
    source = [
        'kind = "hub"',
        f"dataset = {toml_text(found.name)}",
        f"config = {toml_text(found.config)}",
        f"revision = {toml_text(found.commit)}",
    ]
    made = written(request, checked_name(request.name or _name_of(found)), labels, source, splits)
    rows = [f"{name} = {there} ({len(found.splits[there]):,})" if name != there else
            f"{name} ({len(found.splits[there]):,})" for name, there in splits.items()]  # fmt: skip
    facts = {"data": f"{found.name}:{found.config}@{found.commit}", "splits": ", ".join(rows)}
    return replace(made, facts={"task": made.name, **facts, **made.facts})


def _refuse_path(given: str) -> None:
    """Refuse what names a file or folder of this machine.

    Raises:
        ConfigError: With the options that are for such files.
    """
    path = Path(given).expanduser()
    if given.startswith((".", "/", "~", "\\")) or path.exists():
        found = "a file or folder of this machine" if path.exists() else "a path"
        raise ConfigError(
            f"--dataset {given}: that is {found}, and no data set of the hub (owner/name)",
            remedy="For files of your own: --train-file FILE --dev-file FILE; or describe them in "
            "a task file, see docs/tasks.md.",
        )


def _name_of(found: HubDataset) -> str:
    name = found.name.rpartition("/")[2]
    words = name if found.config == "default" else f"{name}-{found.config}"
    return re.sub(r"[^a-z0-9_-]+", "-", words.lower()).strip("-")


def _splits(found: HubDataset, dev: str) -> dict[str, str]:
    """Split of the task to the hub's name for it.

    Raises:
        ConfigError: None of them, or several, could be the one to train on or to score on.
    """
    names = list(found.splits)
    listing = f"{found.name}/{found.config} has {', '.join(names)}"
    train = [name for name in names if name.startswith("train")]
    train = ["train"] if "train" in train else train
    if len(train) != 1:
        raise ConfigError(
            f"no split is called train, or several are: {listing}",
            remedy="Describe the task in a file: see docs/tasks.md.",
        )
    if dev and dev not in names:
        raise UnknownNameError.among("split", dev, names)
    scored = [dev] if dev else [name for name in names if _stem(name) in _DEV]
    if not scored:
        raise ConfigError(
            f"no split is for scoring: {listing}",
            remedy="Say which is scored: --dev-split NAME. Its score also picks the epoch, so that "
            "it is no score on unseen data.",
        )
    splits = {"train": train[0]}
    splits |= {_called("dev", name, scored): name for name in scored}
    tests = [name for name in names if _stem(name) == "test" and name not in scored]
    return splits | {_called("test", name, tests): name for name in tests}


def _stem(name: str) -> str:
    return name.partition("_")[0]


def _called(role: str, name: str, alike: list[str]) -> str:
    """The task's name of a split: ``dev``, or of several ``dev_matched``."""
    rest = name.partition("_")[2]
    return f"{role}_{rest}" if rest and len(alike) > 1 else role


def _label(train: Any) -> str:
    """The field with the label: one with label names, or one that is called so.

    Raises:
        ConfigError: None is, or several are.
    """
    named = [name for name, kind in train.features.items() if getattr(kind, "names", None)]
    if len(named) == 1:
        return str(named[0])
    if LABEL_COLUMN in train.column_names:
        return LABEL_COLUMN
    raise ConfigError(
        "which field is the label?",
        remedy=f"Say it: --label FIELD. There are {', '.join(train.column_names)}.",
    )


def _texts(train: Any, request: DraftRequest) -> tuple[str, ...]:
    """The fields that are texts, if there are one or two.

    Raises:
        ConfigError: There are none or more.
    """
    spared = {request.label, *request.choices, *_NUMBERS}
    texts = [
        name
        for name, kind in train.features.items()
        if getattr(kind, "dtype", "") in {"string", "large_string"} and name not in spared
    ]
    if len(texts) not in {1, 2}:
        listing = ", ".join(texts or train.column_names)
        raise ConfigError(
            "which fields are the texts that the model sees?",
            remedy=f"Say it: --text FIELD, or twice for a pair. There are {listing}.",
        )
    return tuple(texts)


def _labels(
    found: HubDataset, splits: Mapping[str, str], field: str
) -> Iterator[tuple[str, str, Any]]:
    """Of each training and dev row its split, its place and its label, by name if it has one."""
    for split, there in splits.items():
        if split.startswith("test"):
            continue
        data = found.splits[there]
        names = getattr(data.features[field], "names", None) or []
        for row, value in enumerate(data.with_format("arrow")[field].to_pylist()):
            known = isinstance(value, int) and 0 <= value < len(names)
            yield split, f"{found.name}:{there}: row {row}", names[value] if known else value
