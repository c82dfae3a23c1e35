"""Assertions of the suites, without pytest, so that the suites also run where it is missing."""

from __future__ import annotations

import contextlib
import unittest
from typing import TYPE_CHECKING, NoReturn

from glueharness.plugin.status import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.errors import GlueharnessError


def expect(condition: object, message: str) -> None:
    """Fail with ``message`` unless ``condition`` holds.

    Raises:
        AssertionError: It does not.
    """
    if not condition:
        raise AssertionError(message)


def skip(reason: str) -> NoReturn:
    """Skip the current check; pytest understands this exception too.

    Raises:
        unittest.SkipTest: Always.
    """
    raise unittest.SkipTest(reason)


@contextlib.contextmanager
def expect_error(*kinds: type[GlueharnessError], doing: str) -> Iterator[None]:
    """Expect that the block raises one of these errors, with a message.

    Raises:
        AssertionError: It raises nothing, another error, or one without a message.
    """
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except kinds as error:
        expect(error.what.strip(), f"{doing}: the {type(error).__name__} says nothing")
    except Exception as error:
        raise AssertionError(f"{doing}: {names} was expected, not {describe(error)}") from error
    else:
        raise AssertionError(f"{doing}: {names} was expected, and nothing was raised")
