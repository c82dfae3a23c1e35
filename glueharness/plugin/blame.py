"""Turns what a plugin's code raises into an error that names the plugin."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from glueharness.errors import GlueharnessError, PluginError
from glueharness.plugin.status import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.plugin.status import PluginStatus

_REPORT = "Report it to the plugin's author, with what `glueharness --debug ...` prints"


@contextmanager
def blamed(
    part: str,
    owner: PluginStatus | None,
    failure: str,
    *,
    passing: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Make whatever the block raises say whose code it was.

    A :class:`GlueharnessError` is meant for the user and stays as it is.

    Args:
        part: What of the plugin is at work, for instance ``"the model 'tfidf'"``.
        owner: The plugin; None where it is not known.
        failure: What went wrong with it, for instance ``"cannot be made"``.
        passing: Further errors that stay as they are.

    Raises:
        PluginError: The block raised something that is no :class:`GlueharnessError`.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (GlueharnessError, *passing)):
            raise
        whose = f" of {owner.owner}" if owner is not None else ""
        where = f"; `glueharness plugins show {owner.name}` tells more of it" if owner else ""
        raise PluginError(
            f"{part}{whose} {failure}: {describe(error)}",
            remedy=f"{_REPORT}{where}.",
        ) from error
