"""The user's folders for configuration and cache."""

from __future__ import annotations

import os
from pathlib import Path

CONFIG_VARIABLE = "GLUEHARNESS_CONFIG_DIR"
CACHE_VARIABLE = "GLUEHARNESS_CACHE"

_NAME = "glueharness"


def config_folder() -> Path:
    """The folder for choices that outlive a command.

    ``GLUEHARNESS_CONFIG_DIR``, or where the operating system keeps an application's configuration.
    It need not exist.
    """
    if chosen := os.environ.get(CONFIG_VARIABLE):
        return Path(chosen).expanduser()
    from platformdirs import user_config_path

    return user_config_path(_NAME, appauthor=False, roaming=True)


def cache_folder() -> Path:
    """The folder for what can be made again.

    ``GLUEHARNESS_CACHE``, or where the operating system keeps an application's cache. It need not
    exist.
    """
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path(_NAME, appauthor=False)
