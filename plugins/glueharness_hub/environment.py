"""Variables of the environment that the hub's client reads while it is imported, and fails at."""

from __future__ import annotations

import os

from glueharness import ConfigError

_SECONDS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT")


def check_environment() -> None:
    """Refuse what the client cannot read, before it is imported.

    Raises:
        ConfigError: It names the variable.
    """
    for name in _SECONDS:
        value = os.environ.get(name)
        if value is not None and not value.strip().isdecimal():
            raise ConfigError(
                f"the environment variable {name} is {value!r}, and no whole number of seconds",
                remedy=f"Set it to a number, or take it out: unset {name}.",
            )
    address = os.environ.get("HF_ENDPOINT", "")
    if address != address.strip() or len(address.split()) > 1:
        raise ConfigError(
            f"the environment variable HF_ENDPOINT is {address!r}, with blanks that no address has",
            remedy="Set it without them, or take it out: unset HF_ENDPOINT.",
        )
