"""No hub: no network, or none that is to be used; and what its cache keeps for such a machine."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from glueharness import DataError, HubLayout, SourceUnavailable
from glueharness.data.opening import open_data
from glueharness.data.table import fingerprint
from glueharness.plugin.guarded import OfferedSource
from glueharness.specs import DataOptions
from glueharness_glue.common import GLUE_REVISION
from glueharness_glue.qnli import QNLI
from glueharness_glue.sources import SOURCES
from glueharness_glue.sources.hub import HubSource
from glueharness_hub import why_unreachable
from tests.hub_glue import glue_repository, made_up
from tests.hub_runs import NOWHERE, python
from tests.hub_stand_in import running, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# No network -------------------------------------------------------------------------------


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def refusal(options: DataOptions | None = None) -> SourceUnavailable:
    """Why the hub cannot serve; known within five seconds."""
    start = time.perf_counter()
    with pytest.raises(SourceUnavailable) as caught:
        HubSource().open(QNLI, options or DataOptions())
    assert time.perf_counter() - start < 5
    return caught.value


@pytest.mark.usefixtures("network")
def test_nothing_listens() -> None:
    error = refusal()
    assert f"{NOWHERE} cannot be reached" in error.what
    assert "nyu-mll/glue/qnli" in error.what
    assert GLUE_REVISION[:12] in error.what
    for way in ("--data-dir", "HF_HOME", "--data sample"):
        assert way in error.remedy


def test_that_nothing_listens_is_remembered_for_a_while(network: pytest.MonkeyPatch) -> None:
    refusal()
    network.setattr("socket.getaddrinfo", None)  # nobody asks again
    assert "cannot be reached" in refusal().what
    network.setattr("glueharness_hub.request._REMEMBER_SECONDS", 0.0)
    with pytest.raises(DataError) as caught:
        HubSource().open(QNLI, DataOptions())
    assert not isinstance(caught.value, SourceUnavailable)


def test_a_name_that_is_looked_up_for_ever(network: pytest.MonkeyPatch) -> None:
    """As where the name server is out of reach: nobody can tell the system to stop looking."""
    network.setattr("huggingface_hub.constants.ENDPOINT", "http://hub.example")
    network.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(20))
    network.setattr("glueharness_hub.request._REACH_SECONDS", 0.4)
    start = time.perf_counter()
    assert "no connection within 0.4 s" in refusal().what
    assert time.perf_counter() - start < 2


def test_something_listens_and_does_not_answer_in_time(network: pytest.MonkeyPatch) -> None:
    """A hub that is slow beyond the client's limits is a hub: no other data take its place."""
    network.setattr("glueharness_hub.request._ANSWER_SECONDS", 0.5)
    network.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 0.5)
    with silent_server() as endpoint:
        network.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        with pytest.raises(DataError, match="has not answered in time") as caught:
            open_data(QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES])
        assert not isinstance(caught.value, SourceUnavailable)
        assert "HF_HUB_ETAG_TIMEOUT" in caught.value.remedy
        assert why_unreachable() == ""


def test_something_answers_in_place_of_the_hub(network: pytest.MonkeyPatch) -> None:
    with serving(BaseHTTPRequestHandler) as endpoint:
        network.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        with pytest.raises(DataError, match="fault for now") as caught:
            open_data(QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES])
    assert not isinstance(caught.value, SourceUnavailable)


def test_a_hub_without_the_data_set(network: pytest.MonkeyPatch) -> None:
    with running() as empty:
        network.setattr("huggingface_hub.constants.ENDPOINT", empty.endpoint)
        with pytest.raises(DataError, match="has no nyu-mll/glue") as caught:
            open_data(QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES])
        assert not isinstance(caught.value, SourceUnavailable)
        assert len(empty.requests) == 1
    for way in ("HF_ENDPOINT", "--data-dir", "--data sample"):
        assert way in caught.value.remedy


def test_an_endpoint_that_is_no_address(network: pytest.MonkeyPatch) -> None:
    network.setattr("huggingface_hub.constants.ENDPOINT", "hub.example")
    with pytest.raises(DataError, match="an address cannot be read") as caught:
        open_data(QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES])
    assert not isinstance(caught.value, SourceUnavailable)


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_switched_off_in_the_environment(network: pytest.MonkeyPatch, name: str) -> None:
    network.setenv(name, "1")
    assert f"{name} is set" in refusal().what


@pytest.mark.usefixtures("network")
def test_switched_off_by_option() -> None:
    assert "--offline" in refusal(DataOptions(offline=True)).what


@pytest.mark.usefixtures("network")
def test_auto_goes_on_to_the_sample_and_says_why() -> None:
    start = time.perf_counter()
    opened = open_data(QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES])
    assert time.perf_counter() - start < 5
    assert opened.data.origin.sample
    reasons = dict(opened.passed_over)
    assert reasons["dir"] == "no folder was given"
    assert "cannot be reached" in reasons["hub"]


def test_the_whole_command_is_decided_within_five_seconds(tmp_path: Path) -> None:
    start = time.perf_counter()
    answer = python(
        "-m", "glueharness", "run", "qnli", "--model", "majority", "--data", "hub",
        "--runs-dir", str(tmp_path / "runs"), endpoint=NOWHERE, home=tmp_path / "home",
    )  # fmt: skip
    assert time.perf_counter() - start < 5
    assert answer.returncode == 1
    assert "cannot be reached" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.glob("runs/*/run.json"))


# The cache --------------------------------------------------------------------------------


def cache_folder(root: Path, revision: str = GLUE_REVISION) -> Path:
    folder = root / "cache" / "nyu-mll___glue" / "qnli" / "0.0.0" / revision
    folder.mkdir(parents=True)
    return folder


@pytest.mark.usefixtures("network")
def test_another_revision_in_the_cache_is_not_taken(tmp_path: Path) -> None:
    folder = cache_folder(tmp_path, "f" * 40)
    (folder / "dataset_info.json").write_text("{}")
    assert "the cache does not have it" in refusal().what


@pytest.mark.usefixtures("network")
def test_a_damaged_cache_is_told_apart_from_an_empty_one(tmp_path: Path) -> None:
    folder = cache_folder(tmp_path)
    (folder / "dataset_info.json").write_text('{"splits": {"train": {"name": "train"}}}')
    with pytest.raises(DataError, match="cannot be read") as caught:
        HubSource().open(QNLI, DataOptions())
    assert not isinstance(caught.value, SourceUnavailable)
    assert caught.value.where == str(folder)
    assert str(folder) in caught.value.remedy


def test_files_of_a_plain_download_serve_too(network: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As ``hf download`` leaves them, for a machine that never had a network."""
    snapshot = tmp_path / "hub" / "datasets--nyu-mll--glue" / "snapshots" / GLUE_REVISION
    for name, content in glue_repository((QNLI,)).files.items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_bytes(content)
    network.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    data = HubSource().open(QNLI, DataOptions(offline=True))
    for split in ("train", "dev", "test"):
        assert fingerprint(data.load(split), QNLI) == fingerprint(made_up(QNLI, split), QNLI)
    # Half of a download is none.
    (snapshot / "qnli" / "test-00000-of-00001.parquet").unlink()
    assert "the cache does not have it" in refusal().what


def test_a_task_with_no_place_on_the_hub() -> None:
    from dataclasses import replace

    with pytest.raises(SourceUnavailable, match="not known to be on the hub"):
        HubSource().open(replace(QNLI, locations=()), DataOptions())
    assert QNLI.location(HubLayout) is not None
