"""Where the configuration and the cache are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from glueharness.plugin.choice import config_file
from glueharness.system.user_folders import cache_folder, config_folder
from glueharness_finetune.tokens.cache import TokenCache


def test_the_variables_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLUEHARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GLUEHARNESS_CONFIG_DIR", "~/mine")
    assert cache_folder() == tmp_path / "cache"
    assert TokenCache().folder == tmp_path / "cache" / "tokens"
    assert config_folder() == Path.home() / "mine"
    assert config_file() == Path.home() / "mine" / "plugins.json"


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other folders")
def test_the_platforms_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None
) -> None:
    for variable in ("GLUEHARNESS_CACHE", "GLUEHARNESS_CONFIG_DIR"):
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert cache_folder() == tmp_path / "cache" / "glueharness"
    assert config_folder() == tmp_path / "config" / "glueharness"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert cache_folder() == tmp_path / ".cache" / "glueharness"
    assert config_folder() == tmp_path / ".config" / "glueharness"
