"""What GLUE's tasks have in common: where their data are, and how labels are read and written.

Row counts, label order and file names in the tasks are those of the official data and of the
hub. Label order differs between tasks that look alike (WNLI against QNLI and RTE), which is why
labels are handled by name everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import HubLayout, SplitSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

GLUE_PAPER = "Wang et al. 2019, arXiv:1804.07461"

GLUE_REPOSITORY = "nyu-mll/glue"
GLUE_REVISION = "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"
"""The commit of the hub's data that every task reads."""

TSV_FILES = {"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"}
"""Split name to file name in the official download, for tasks with one dev and one test split."""
HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
"""Split name to the hub's name, for tasks with one dev and one test split."""


def on_hub(config: str, splits: Mapping[str, str], *, quoted: bool = False) -> HubLayout:
    """Where a task is in GLUE's repository on the hub; see :class:`glueharness.HubLayout`."""
    return HubLayout(
        repository=GLUE_REPOSITORY,
        revision=GLUE_REVISION,
        config=config,
        splits=splits,
        quoted=quoted,
    )


def three_splits(
    train: int, dev: int, test: int, *, fingerprints: tuple[str, str, str] = ("", "", "")
) -> tuple[SplitSpec, ...]:
    """One training, one dev and one test split, with their numbers of rows.

    Args:
        train: Rows of the training split.
        dev: Rows of the dev split.
        test: Rows of the test split.
        fingerprints: Those of the official splits, computed from genuine complete files.
    """
    return (
        SplitSpec(name="train", role="train", rows=train, fingerprint=fingerprints[0]),
        SplitSpec(name="dev", role="dev", rows=dev, fingerprint=fingerprints[1]),
        SplitSpec(name="test", role="test", rows=test, fingerprint=fingerprints[2]),
    )


def read_from_ids(labels: tuple[str, ...]) -> dict[str, str]:
    """For files that hold numbers in the place of label names: number to name."""
    return {str(number): label for number, label in enumerate(labels)}


def written_as_ids(labels: tuple[str, ...]) -> dict[str, str]:
    """For a submission that holds numbers: label name to number."""
    return {label: str(number) for number, label in enumerate(labels)}


def written_as_names(labels: tuple[str, ...]) -> dict[str, str]:
    """For a submission that holds label names."""
    return {label: label for label in labels}
