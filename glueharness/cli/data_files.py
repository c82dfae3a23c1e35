"""The options for data files of one's own, and the task that is made from them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.errors import ConfigError
from glueharness.plugin.blame import blamed
from glueharness.specs import DraftRequest, TaskDraft, TaskDrafter

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness.plugin.registry import Registry

NAMES = (
    "train_file", "dev_file", "test_file", "dataset", "dev_split", "text", "choice", "label",
)  # fmt: skip
"""The parameters that these options make."""

_FILE = click.Path(path_type=Path, dir_okay=False)


def data_file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for data files to a command."""
    for option in reversed(
        (
            click.option(
                "--train-file",
                type=_FILE,
                help="Make a task of this file (csv, tsv, jsonl, parquet); TASK is then its name.",
            ),
            click.option("--dev-file", type=_FILE, help="Its dev file, which is scored."),
            click.option("--test-file", type=_FILE, help="Its test file, which is only predicted."),
            click.option(
                "--dataset",
                default="",
                metavar="NAME",
                help="Make a task of a hub data set: owner/name[:config].",
            ),
            click.option(
                "--dev-split",
                default="",
                metavar="NAME",
                help="The data set's split to score, if none is called validation.",
            ),
            click.option(
                "--text",
                multiple=True,
                metavar="FIELD",
                help="Its field with the text; twice for a pair of texts.",
            ),
            click.option(
                "--choice",
                multiple=True,
                metavar="FIELD",
                help="A field with one of several choices; twice or more.",
            ),
            click.option(
                "--label",
                default="",
                metavar="FIELD",
                help="The field with the label [default: label, or the only one with label names].",
            ),
        )
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFiles:
    """What was given of these options.

    Attributes:
        train: The training file; None if no data files were given.
        dataset: A data set of the hub; empty if none was given.
        dev_split: The data set's split that is scored, if the user says which.
        dev: The dev file.
        test: The test file, if there is one.
        texts: Fields that the model sees.
        choices: Fields with choices.
        label: Field with the label.
    """

    train: Path | None
    dev: Path | None
    test: Path | None
    texts: tuple[str, ...]
    choices: tuple[str, ...]
    label: str
    dataset: str = ""
    dev_split: str = ""

    @property
    def given(self) -> bool:
        """Whether a task is to be made of data."""
        return self.train is not None or bool(self.dataset)

    @classmethod
    def taken_from(cls, values: dict[str, Any]) -> DataFiles:
        """Take these options out of a command's values.

        Raises:
            click.UsageError: Some were given, and not all that are needed.
        """
        train, dev, test, dataset, dev_split, texts, choices, label = (
            values.pop(name) for name in NAMES
        )
        if dataset and (train or dev or test):
            raise click.UsageError("Give data files or a --dataset, not both.")
        if dev_split and not dataset:
            raise click.UsageError("--dev-split is about a --dataset.")
        if train is None and not dataset and (dev or test or texts or choices):
            raise click.UsageError(
                "--dev-file, --test-file, --text and --choice need a --train-file, too; "
                "--text and --choice may go with a --dataset."
            )
        if len(choices) == 1:
            raise click.UsageError("--choice is needed twice or more: once for each choice.")
        if train is not None and dev is None:
            raise click.UsageError("--train-file needs a --dev-file, too: what is not trained on.")
        return cls(
            train=train, dev=dev, test=test, texts=texts, choices=choices, label=label,
            dataset=dataset, dev_split=dev_split,
        )  # fmt: skip

    def draft(
        self, name: str, folder: Path, registry: Registry, *, offline: bool = False
    ) -> TaskDraft:
        """Make the task.

        Args:
            name: Its name; empty to take it from the training file.
            folder: Where the file that describes it is going to be.
            registry: What the plugins offer, of which one can describe tasks.
            offline: Whether the network must not be used.

        Raises:
            ConfigError: There is a task of that name already, or no plugin can do this.
            DataError: A data file cannot be read.
        """
        files = {"train": self.train, "dev": self.dev, "test": self.test}
        request = DraftRequest(
            name=name,
            files={split: path for split, path in files.items() if path is not None},
            texts=self.texts,
            choices=self.choices,
            label=self.label,
            folder=folder,
            dataset=self.dataset,
            dev_split=self.dev_split,
            offline=offline,
        )
        for spec in registry.file_kinds:
            owner = registry.file_kinds.owner(spec.name)
            with blamed(f"the reader of .{spec.name} files", owner, "failed"):
                drafter = spec.factory()
                if not isinstance(drafter, TaskDrafter):
                    continue
                draft = drafter.draft(request)
            if not _is_there(draft, registry):
                _refuse_taken(draft.name, registry)
            return draft
        raise ConfigError("no plugin in use can describe a task by its data files")

    def told(self, draft: TaskDraft) -> str:
        """What was found in the data, and the command that keeps the task."""
        lines = [f"{heading:<8}{text}" for heading, text in draft.facts.items()]
        keep = f"glueharness tasks new {draft.name} {self.words(draft)}"
        return "\n".join([*lines, f"{'keep':<8}{keep}   (writes {draft.name}.toml, to change it)"])

    def words(self, draft: TaskDraft) -> str:
        """These options as they are written; a data set with the commit that was found."""
        given = (("--train-file", self.train), ("--dev-file", self.dev), ("--test-file", self.test))
        words = [word for flag, path in given if path for word in (flag, str(path))]
        if self.dataset:
            words += ["--dataset", draft.facts.get("data", self.dataset)]
        words += ["--dev-split", self.dev_split] if self.dev_split else []
        words += [word for text in self.texts for word in ("--text", text)]
        words += [word for choice in self.choices for word in ("--choice", choice)]
        return shlex.join([*words, *(["--label", self.label] if self.label else [])])


def include(draft: TaskDraft, registry: Registry) -> None:
    """Take the task into use for this command.

    Raises:
        ConfigError: It cannot be, with the reason.
    """
    if _is_there(draft, registry):
        return
    status = registry.plugins.describe(_file_of(draft), draft.content.encode())
    registry.include(status)
    if status.reports:
        problem = status.reports[0]
        raise ConfigError(problem.what, remedy=problem.remedy)


def _file_of(draft: TaskDraft) -> Path:
    """As the file would be called, so that with it later the task is the same."""
    return Path(f"{draft.name}.toml")


def _is_there(draft: TaskDraft, registry: Registry) -> bool:
    """Whether this very task was made before, in the same session of Python."""
    return registry.plugins.texts.get(str(_file_of(draft))) == draft.content


def _refuse_taken(name: str, registry: Registry) -> None:
    groups = {task.group for task in registry.tasks}
    if name in registry.tasks.items or name in registry.groups.items or name in groups:
        raise ConfigError(
            f"there is a task called {name!r} already",
            remedy="Give the new one another name: NAME --train-file ...",
        )
