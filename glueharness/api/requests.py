"""What a call of `run` asks for, in the form that the command has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.api.session import registry
from glueharness.cli.app import environment_layer
from glueharness.cli.data_files import NAMES, DataFiles, include
from glueharness.errors import ConfigError
from glueharness.settings.fields import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glueharness.run.grid import Space

_SEVERAL = ("text", "choice")
_FILES = ("train_file", "dev_file", "test_file")


def layers_of(settings: Mapping[str, Any], origin: str) -> list[Layer]:
    """The settings of a call, and those of the environment."""
    given = {name: value for name, value in settings.items() if value is not None}
    return [Layer(origin=origin, values=given), environment_layer()]


def seeds_of(seeds: int | Sequence[int] | None, layers: Sequence[Layer]) -> Sequence[int]:
    """The seeds that are meant.

    Raises:
        ConfigError: They are neither a number of seeds nor a list of different ones.
    """
    from glueharness.run.plan import first_seed, parse_seeds

    if seeds is None:
        return ()
    text = str(seeds) if isinstance(seeds, int) else "".join(f"{seed}," for seed in seeds)
    return parse_seeds(text, first_seed(layers))


def space_of(given: Mapping[str, Sequence[Any] | str] | None, table: Mapping[str, Any]) -> Space:
    """What to try: the call's values and ranges, then those of the file.

    Raises:
        ConfigError: It says nothing to try.
    """
    from glueharness.run.grid import is_range, read_space

    own = {
        name: values if is_range(values) else list(_several(values))
        for name, values in (given or {}).items()
    }
    return read_space((), {**table, **own})


def _several(values: Any) -> Sequence[Any]:
    return (values,) if isinstance(values, str) or not hasattr(values, "__iter__") else values


def with_data_files(
    tasks: tuple[str, ...], settings: dict[str, Any], tell: Callable[[str], None]
) -> tuple[str, ...]:
    """Make a task of the data files that a call names, and take them out of its settings.

    Args:
        tasks: The tasks that it names: with data files, one at most.
        settings: Its options.
        tell: Hears what was found in the data.

    Returns:
        The names of the tasks to run.

    Raises:
        ConfigError: There is nothing to run, or no task can be made of the data.
        DataError: A data file cannot be read.
    """
    values = {name: settings.pop(name, None) for name in NAMES}
    for name in _FILES:
        values[name] = Path(values[name]) if values[name] else None
    for name in _SEVERAL:
        values[name] = tuple(_several(values[name])) if values[name] else ()
    for name in set(NAMES) - {*_FILES, *_SEVERAL}:
        values[name] = values[name] or ""
    try:
        files = DataFiles.taken_from(values)
    except click.UsageError as error:
        raise ConfigError(f"run(): {_as_arguments(error.message)}") from error
    if not files.given:
        if not tasks:
            raise ConfigError("run() needs a task", remedy='For instance: run("qnli")')
        return tasks
    if len(tasks) > 1:
        raise ConfigError(
            "run(): with train_file or dataset, give one name at most: the new task's"
        )
    offline = bool(settings.get("offline"))
    draft = files.draft(tasks[0] if tasks else "", Path(), registry(), offline=offline)
    include(draft, registry())
    tell(files.told(draft))
    return (draft.name,)


def _as_arguments(message: str) -> str:
    """A message about options, with their names in Python."""
    for name in NAMES:
        message = message.replace("--" + name.replace("_", "-"), name)
    return message
