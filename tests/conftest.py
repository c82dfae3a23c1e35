"""What the tests share: real data where they lie beside the checkout, and a small task to run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.small_task import small_plugins

if TYPE_CHECKING:
    from glueharness.plugin.loading import Plugins

# Before anything imports torch: several test processes share the processors.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "glue"


@pytest.fixture(scope="session")
def glue_data() -> Path:
    """The folder in the layout of the official GLUE download."""
    folder = Path(os.environ.get("GLUEHARNESS_TEST_DATA", _SHARED))
    if not folder.is_dir():
        pytest.skip("the official GLUE files are not beside the checkout")
    return folder


@pytest.fixture
def plugins() -> Plugins:
    """The installed plugins, and one with a small task."""
    return small_plugins()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A test sees only the settings that it makes."""
    for name in ("GLUE_DATA_DIR", "GLUEHARNESS_RUNS", "GLUEHARNESS_PLUGINS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GLUEHARNESS_CONFIG_DIR", str(tmp_path_factory.getbasetemp() / "no-config"))
    # Tests leave nothing in the user's cache, and find nothing there.
    monkeypatch.setenv("GLUEHARNESS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
