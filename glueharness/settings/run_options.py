"""The settings of every run, and the names that settings of models cannot have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from glueharness.settings.fields import setting

RESERVED = frozenset(
    {
        "as_json", "choice", "config", "dataset", "dev_file", "dev_split", "executor", "grid",
        "help", "init_from", "jobs", "json", "label", "preset", "rerun", "search", "resume", "run",
        "run_id", "seeds", "task", "tasks", "test_file", "text", "train_file", "yes",
    }
)  # fmt: skip
"""Names that no model's setting can have, beside those of :class:`RunOptions`: `run` or `evaluate`
itself has options or arguments of that name."""
# What the data are, and not where they come from, is part of what a run is.
_NO_EFFECT: dict[str, bool] = {"changes_result": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The settings of every run, whatever its model.

    Attributes:
        model: Model name, or ``family:argument``.
        seed: Seed of everything random.
        data: ``"auto"`` or a source's name.
        data_dir: Data folder for the sources that read one.
        limit_train: Use only so many training rows; the run is marked limited.
        limit_dev: Use only so many rows of each dev split; the run is marked limited.
        runs_dir: Folder that holds the run folders.
        offline: Whether the network must not be used.
        track: The trackers that follow the run, separated by commas, each with its settings.
    """

    model: str = setting(
        "bert-tiny", help="Model: a name from `glueharness models`, or hf:NAME[@REVISION]."
    )
    seed: int = setting(42, help="Random seed.", unit="whole number", low=0, high=2**32 - 1)
    data: str = setting("auto", help="Where the data come from: auto, or a source.", **_NO_EFFECT)
    data_dir: Path | None = setting(
        None, help="Folder in the official GLUE layout [env: GLUE_DATA_DIR].", **_NO_EFFECT
    )
    limit_train: int | None = setting(
        None, help="Use only the first N training rows.", unit="rows", low=1, training=True
    )
    limit_dev: int | None = setting(
        None, help="Use only the first N rows of each dev split.", unit="rows", low=1, advanced=True
    )
    runs_dir: Path = setting(
        Path("runs"), help="Folder for the run folders [env: GLUEHARNESS_RUNS].", **_NO_EFFECT
    )
    offline: bool = setting(False, help="Do not use the network.", **_NO_EFFECT)
    track: str = setting(
        "",
        help='Trackers that follow the run, separated by commas: "jsonl, wandb project=mine".',
        advanced=True,
        **_NO_EFFECT,
    )
