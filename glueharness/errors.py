"""The error tree. Every error that a user can cause is one of these and is printed in one place.

::

    GlueharnessError            what, where, what to do next; exit code 1
    ├── ConfigError             a setting is unknown, malformed or out of range
    ├── UnknownNameError        no task, model, writer, source or run of that name
    ├── PluginError             a plugin cannot be loaded, or breaks the rules for plugins
    │   └── SpecError           a spec contradicts itself or is incomplete
    ├── DataError               a data file or split is not what the task says
    │   └── SourceUnavailable   this source has no data for this task here
    │       └── NotInFolder     the folder that the user named does not have them
    ├── ModelError              a model or checkpoint cannot be loaded, trained or used
    ├── RunFolderError          a run folder cannot be written, read or is in use
    ├── SubmissionError         a submission cannot be written, or would not be accepted
    └── Interrupted             stopped by the user; exit code 130
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MANY_NAMES, _NEAR_NAMES = 16, 5


class GlueharnessError(Exception):
    """Something that the user can act on.

    Args:
        what: One sentence: what is wrong.
        where: The place, best as ``file:line``; empty if there is none.
        remedy: What to do next; empty if there is nothing to do.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        """The whole message in plain text: where, what, and the remedy on its own line."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n{self.remedy}" if self.remedy else head


class ConfigError(GlueharnessError):
    """A setting is unknown, malformed or out of range."""


class UnknownNameError(GlueharnessError):
    """No task, model, writer, source or run has the name that was asked for."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """The error for an unknown ``name``, with the nearest of the ``known`` names and others.

        Of many names only the nearest few are listed, with how many there are.
        """
        names = sorted(known)
        what = f"there is no {kind} called {name!r}{did_you_mean(name, names)}"
        if len(names) > _MANY_NAMES:
            near = difflib.get_close_matches(name.lower(), names, n=_NEAR_NAMES, cutoff=0.0)
            return cls(what, remedy=f"The nearest of {len(names)} {kind}s: {', '.join(near)}.")
        listing = ", ".join(names) if names else "none is installed"
        return cls(what, remedy=f"Known {kind}s: {listing}.")


class PluginError(GlueharnessError):
    """A plugin cannot be loaded, or breaks the rules for plugins."""


class SpecError(PluginError):
    """A spec contradicts itself, for instance a primary metric that it does not list."""


class DataError(GlueharnessError):
    """A data file or a split is not what the task says it is."""


class SourceUnavailable(DataError):  # noqa: N818 - a condition, not a defect: `auto` goes on to the next source
    """This source has no data for this task on this machine."""


class NotInFolder(SourceUnavailable):
    """The folder that the user named does not have the task, so that `--data auto` stops there.

    For a source that reads ``DataOptions.folder`` and knows what the task's files look like.
    """


class ModelError(GlueharnessError):
    """A model or a checkpoint cannot be loaded, trained or used."""


class RunFolderError(GlueharnessError):
    """A run folder cannot be written, cannot be read, or is in use by another process."""


class SubmissionError(GlueharnessError):
    """A submission cannot be written, or the server would not accept it."""


class Interrupted(GlueharnessError):  # noqa: N818 - the user's wish, not a defect
    """The user asked to stop; what was done so far is kept."""

    exit_code = 130


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``", did you mean 'x'?"`` for the nearest of the ``known`` names, or an empty string."""
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""
