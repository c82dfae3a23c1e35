"""What a training starts from, known before it begins: files, recipes, and what identifies both."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import FRESH
from glueharness_finetune.pretrained.files import CONFIG
from glueharness_finetune.pretrained.find import find_checkpoint
from glueharness_finetune.recipes import Recipes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness import ModelContext
    from glueharness_finetune.pretrained.find import Checkpoint, Found
    from glueharness_finetune.settings import FinetuneSettings

_WIDTH = ("hidden_size", "dim", "d_model", "n_embd", "emb_dim")
_IGNORED = frozenset({".gitattributes", "README.md", "run.json", "training_args.bin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a training starts from.

    Attributes:
        found: The checkpoint's files, or that there are none.
        recipes: Settings in the place of those that the user has not chosen, with their reasons.
        settings: The settings with these recipes.
        weights: The commit, a hash of the files, or :data:`glueharness.FRESH`.
    """

    found: Found
    recipes: Sequence[tuple[str, Mapping[str, Any]]]
    settings: FinetuneSettings
    weights: str

    def changed(self, given: FinetuneSettings) -> dict[str, Any]:
        """The settings that recipes changed, by name."""
        names = {name for _, recipe in self.recipes for name in recipe}
        return {
            name: getattr(self.settings, name)
            for name in sorted(names)
            if getattr(self.settings, name) != getattr(given, name)
        }


def find_start(checkpoint: Checkpoint, context: ModelContext) -> Start:
    """Find the checkpoint's files, and what follows from them for the settings.

    Raises:
        ModelError: There are none, and the checkpoint cannot begin without them.
    """
    recipes = Recipes(context)
    found = find_checkpoint(checkpoint, weights=recipes.settings.weights, offline=context.offline)
    if found.folder is None:
        assert checkpoint.fresh is not None  # noqa: S101 - as find_checkpoint promises
        recipes.apply(checkpoint.fresh.recipe, "recipe for fresh weights")
        weights = FRESH
    else:
        recipes.for_weights()
        recipes.for_width(width_of(found.folder))
        weights = f"commit {found.commit}" if found.commit else hash_of_files(found.folder)
    return Start(found=found, recipes=recipes.applied(), settings=recipes.settings, weights=weights)


def width_of(folder: Path) -> int | None:
    """Width of the encoder in a folder; None if its configuration does not name it as most do."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # told where the checkpoint is loaded
    if not isinstance(config, dict):
        return None
    return next((config[name] for name in _WIDTH if isinstance(config.get(name), int)), None)


def hash_of_files(folder: Path) -> str:
    """A hash of all that a checkpoint's folder holds: weights, configuration, tokenizer, code."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name not in _IGNORED and not file.name.startswith("."):
            facts = file.stat()
            content = _hash_of_file(file, facts.st_mtime_ns, facts.st_size)
            digest.update(f"{file.name}\0{content}\0".encode("utf-8", "surrogateescape"))
    return f"files {digest.hexdigest()[:16]}"


@functools.lru_cache(maxsize=256)
def _hash_of_file(file: Path, _changed: int, _size: int) -> str:
    """Of the runs of one command, only the first reads a checkpoint of a gigabyte for this."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
