"""Turns what a plugin's code raises into an error that names the plugin."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from glueharness.errors import GlueharnessError, PluginError
from glueharness.plugin.status import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glueharness.plugin.status import PluginStatus

_Part = TypeVar("_Part")
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


def made_part(make: Callable[[], _Part], kind: type[Any], part: str, owner: PluginStatus) -> _Part:
    """What a plugin's factory makes, if it is of its kind.

    Args:
        make: Calls the factory.
        kind: The class, or the protocol, that it must be of.
        part: What is made, for instance ``"the executor 'ray'"``.
        owner: The plugin.

    Raises:
        PluginError: It raised something, or made something else.
    """
    with blamed(part, owner, "cannot be made"):
        made = make()
    if not isinstance(made, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise PluginError(
            f"{part} of {owner.owner} is a {type(made).__name__}",
            remedy=f"Report it to the plugin's author: its factory must make {article} "
            f"{kind.__name__}.",
        )
    return made
