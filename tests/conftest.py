"""What the tests share: real data where they lie beside the checkout, and a small task to run."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hub_runs import NOWHERE
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from glueharness.plugin.plugins import Plugins

# Before anything imports torch: several test processes share the processors.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A shell that starts the tests in the background has these ignored, and so has what they start:
# then no test of Ctrl-C or of a closed terminal could hold.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

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


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The network may be asked, the hub's caches are empty, and nothing answers."""
    from huggingface_hub import close_session, constants

    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "ENDPOINT", NOWHERE)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("glueharness_hub.request._lately", {})
    close_session()
    return monkeypatch
