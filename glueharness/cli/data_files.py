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

NAMES = ("train_file", "dev_file", "test_file", "text", "choice", "label")
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
                "--text",
                multiple=True,
                metavar="FIELD",
                help="Its field with the text; twice for a pair of texts.",
            ),
            click.option(
                "--choice",
                multiple=True,
                metavar="FIELD",
                help="For multiple choice: a field with a choice; twice or more.",
            ),
            click.option(
                "--label",
                default="label",
                show_default=True,
                metavar="FIELD",
                help="The field with the label.",
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

    @classmethod
    def taken_from(cls, values: dict[str, Any]) -> DataFiles:
        """Take these options out of a command's values.

        Raises:
            click.UsageError: Some were given, and not all that are needed.
        """
        train, dev, test, texts, choices, label = (values.pop(name) for name in NAMES)
        if train is None and (dev or test or texts or choices):
            raise click.UsageError(
                "--dev-file, --test-file, --text and --choice need a --train-file, too."
            )
        if len(choices) == 1:
            raise click.UsageError("--choice is needed twice or more: once for each choice.")
        if train is not None and dev is None:
            raise click.UsageError("--train-file needs a --dev-file, too: what is not trained on.")
        return cls(train=train, dev=dev, test=test, texts=texts, choices=choices, label=label)

    def draft(self, name: str, folder: Path, registry: Registry) -> TaskDraft:
        """Make the task.

        Args:
            name: Its name; empty to take it from the training file.
            folder: Where the file that describes it is going to be.
            registry: What the plugins offer, of which one can describe tasks.

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
        )
        for spec in registry.file_kinds:
            owner = registry.file_kinds.owner(spec.name)
            with blamed(f"the reader of .{spec.name} files", owner, "failed"):
                drafter = spec.factory()
                if not isinstance(drafter, TaskDrafter):
                    continue
                draft = drafter.draft(request)
            _refuse_taken(draft.name, registry)
            return draft
        raise ConfigError("no plugin in use can describe a task by its data files")

    def words(self) -> str:
        """These options as they are written."""
        given = (("--train-file", self.train), ("--dev-file", self.dev), ("--test-file", self.test))
        words = [word for flag, path in given if path for word in (flag, str(path))]
        words += [word for text in self.texts for word in ("--text", text)]
        words += [word for choice in self.choices for word in ("--choice", choice)]
        return shlex.join([*words, *(["--label", self.label] if self.label != "label" else [])])


def include(draft: TaskDraft, registry: Registry) -> None:
    """Take the task into use for this command.

    Raises:
        ConfigError: It cannot be, with the reason.
    """
    # As the file would be called, so that with it later the task is the same.
    status = registry.plugins.describe(Path(f"{draft.name}.toml"), draft.content.encode())
    registry.include(status)
    if status.reports:
        problem = status.reports[0]
        raise ConfigError(problem.what, remedy=problem.remedy)


def _refuse_taken(name: str, registry: Registry) -> None:
    groups = {task.group for task in registry.tasks}
    if name in registry.tasks.items or name in registry.groups.items or name in groups:
        raise ConfigError(
            f"there is a task called {name!r} already",
            remedy="Give the new one another name: NAME --train-file ...",
        )
