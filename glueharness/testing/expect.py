"""What the suites say things with: nothing of pytest, so that they run without it too."""

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
    """Leave the present check out; pytest understands this exception as well.

    Raises:
        unittest.SkipTest: Always.
    """
    raise unittest.SkipTest(reason)


@contextlib.contextmanager
def expect_error(*kinds: type[GlueharnessError], doing: str) -> Iterator[None]:
    """Expect that the block ends in one of these errors, with something to read in it.

    Raises:
        AssertionError: It ends well, in another error, or in one that says nothing.
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
