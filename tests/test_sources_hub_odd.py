"""A hub, a network and a machine in odd states: each ends in one true sentence, or in true data."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from glueharness import DataError, ModelError, SourceUnavailable
from glueharness.data.opening import open_data
from glueharness.plugin.guarded import OfferedSource
from glueharness.specs import DataOptions
from glueharness_finetune.pretrained.find import Checkpoint, find_checkpoint
from glueharness_glue.common import GLUE_REVISION
from glueharness_glue.qnli import QNLI
from glueharness_glue.sources import SOURCES
from glueharness_hub import explain
from tests.hub_glue import BERT, BERT_REVISION, bert_repository, glue_repository
from tests.hub_runs import FIND_DATA, FIND_WEIGHTS, NOWHERE, python
from tests.hub_stand_in import Hub, Repository, running, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEIGHTS = Checkpoint(name=BERT, revision=BERT_REVISION)


@pytest.fixture(scope="module")
def repositories() -> tuple[Repository, ...]:
    return (glue_repository((QNLI,)), bert_repository())


@contextmanager
def answering(
    network: pytest.MonkeyPatch, status: int, body: str, headers: tuple[tuple[str, str], ...] = ()
) -> Iterator[str]:
    """A server that gives one answer to everything, in the place of the hub."""

    class OneAnswer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_CONNECT = do_GET  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Write nothing."""

    with serving(OneAnswer) as address:
        network.setattr("huggingface_hub.constants.ENDPOINT", address)
        yield address


def refusal() -> DataError:
    """What is told of data that are not passed over."""
    with pytest.raises(DataError) as caught:
        open_data(QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES])
    assert not isinstance(caught.value, SourceUnavailable)
    return caught.value


# In the place of the hub ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, "<html>Sign in to this network</html>", ()),
        (200, "", ()),
        (200, "{}", ()),
        (200, "[]", ()),
        (200, '"text"', ()),
        (302, "", (("Location", "/round/and/round"),)),
    ],
)
def test_an_answer_that_is_not_that_of_a_hub(
    network: pytest.MonkeyPatch, status: int, body: str, headers: tuple[tuple[str, str], ...]
) -> None:
    with answering(network, status, body, headers):
        error = refusal()
    assert "is not that of a hub" in error.what
    assert "sign-in page" in error.remedy


def test_another_commit_under_the_pinned_name(network: pytest.MonkeyPatch) -> None:
    answer = json.dumps({"sha": "f" * 40, "siblings": []})
    with answering(network, 200, answer):
        assert "gives the commit ffffffffffff for" in refusal().what
        with pytest.raises(ModelError, match="gives the commit ffffffffffff for"):
            find_checkpoint(WEIGHTS, weights=None, offline=False)


@pytest.mark.parametrize(("status", "word"), [(407, "407"), (403, "403 Forbidden")])
def test_a_proxy_that_lets_nothing_through(
    network: pytest.MonkeyPatch, status: int, word: str
) -> None:
    with answering(network, status, "") as proxy:
        network.setattr("huggingface_hub.constants.ENDPOINT", "https://hub.example")
        network.setenv("HTTPS_PROXY", proxy)
        error = refusal()
    assert f"the proxy does not let https://hub.example through: {word}" in error.what
    assert "HTTPS_PROXY" in error.remedy


def test_a_proxy_that_is_not_there_is_no_network(network: pytest.MonkeyPatch) -> None:
    network.setattr("huggingface_hub.constants.ENDPOINT", "https://hub.example")
    network.setenv("HTTPS_PROXY", NOWHERE)
    assert open_data(
        QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES]
    ).data.origin.sample


def test_an_address_of_a_proxy_that_is_none(network: pytest.MonkeyPatch) -> None:
    network.setattr("huggingface_hub.constants.ENDPOINT", "https://hub.example")
    network.setenv("HTTPS_PROXY", "somebody:secret@host:port:8080")
    error = refusal()
    assert "an address cannot be read" in error.what
    assert "secret" not in str(error)


def test_https_where_http_is_spoken(network: pytest.MonkeyPatch) -> None:
    with answering(network, 200, "{}") as address:
        secure = address.replace("http://", "https://")
        network.setattr("huggingface_hub.constants.ENDPOINT", secure)
        assert "no encrypted connection to https://" in refusal().what


def test_a_token_with_a_character_that_no_token_has(network: pytest.MonkeyPatch) -> None:
    network.setenv("HF_TOKEN", "hf_secr\u00e9t")
    with running() as hub:
        network.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
        error = refusal()
    assert "holds a character that no token has" in error.what
    assert "secr" not in str(error)


def test_a_token_that_the_client_is_told_not_to_send(network: pytest.MonkeyPatch) -> None:
    network.setenv("HF_TOKEN", "hf_right")
    network.setattr("huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    with running() as hub:
        hub.token = "hf_right"  # noqa: S105 - made up
        network.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
        assert "wants a token (401)" in refusal().what


def test_the_chunk_store_in_words() -> None:
    text = (
        "Task error: File reconstruction error: CAS Client Error: Request error: HTTP status "
        "server error (503 Service Unavailable), domain: https://cas.example/v2/reconstructions/0"
    )
    told = explain(RuntimeError(text), BERT)
    assert told.what == "the hub's store of large files, https://cas.example, answers 503"
    assert "HF_HUB_DISABLE_XET=1" in told.remedy


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "/cache/hub"), "Permission denied: /cache/hub"),
    ],
)
def test_a_cache_that_cannot_be_written_in_words(error: OSError, words: str) -> None:
    told = explain(error, BERT)
    assert told.what == words
    assert "HF_HOME" in told.remedy


# In processes of their own ----------------------------------------------------------------


def found(script: str, hub: Hub, home: Path, **more: str) -> str:
    done = python("-c", script, endpoint=more.pop("endpoint", hub.endpoint), home=home, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_content_that_was_changed_on_the_way(
    repositories: tuple[Repository, ...], tmp_path: Path
) -> None:
    """Of the right size, as from a broken cache in between: the client itself looks no closer."""
    home = tmp_path / "home"
    with running(*repositories) as hub:
        hub.changed = ("qnli/train-00000-of-00001.parquet", "pytorch_model.bin")
        data, weights = found(FIND_DATA, hub, home), found(FIND_WEIGHTS, hub, home)
        assert "train-00000-of-00001.parquet arrived with another content" in data
        assert "pytorch_model.bin arrived with another content" in weights
        assert "same command again" in data
        hub.changed = ()
        assert found(FIND_DATA, hub, home) == "hub"
        assert found(FIND_WEIGHTS, hub, home) == "hub"


def test_a_folder_of_the_data_sets_name_is_not_taken_for_it(
    repositories: tuple[Repository, ...], tmp_path: Path
) -> None:
    """As ``git clone`` leaves it; and the endpoint may end in a slash."""
    folder = tmp_path / "nyu-mll" / "glue"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text("question,sentence,label\na,b,0\n")
    with running(*repositories) as hub:
        told = found(FIND_DATA, hub, tmp_path / "home", endpoint=f"{hub.endpoint}/")
    assert told == "hub"


def test_the_other_host_cannot_be_reached(
    repositories: tuple[Repository, ...], tmp_path: Path
) -> None:
    """The hub itself can: a firewall that lets huggingface.co through and nothing else."""
    with running(*repositories) as hub:
        hub.storage.address = NOWHERE
        told = found(FIND_WEIGHTS, hub, tmp_path / "home")
    assert f"{NOWHERE} cannot be reached: Connection refused" in told
    assert "firewall" in told


def test_a_cache_that_is_no_folder(repositories: tuple[Repository, ...], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    with running(*repositories) as hub:
        told = found(FIND_WEIGHTS, hub, home)
    assert "Not a directory" in told
    assert "HF_HOME" in told


def test_a_repository_without_weights_that_are_read_here(
    repositories: tuple[Repository, ...], tmp_path: Path
) -> None:
    other = replace(repositories[1], files={"config.json": b"{}", "tf_model.h5": b"other"})
    with running(other) as hub:
        told = found(FIND_WEIGHTS, hub, tmp_path / "home")
    assert "the repository holds no model" in told
    assert "there is config.json, tf_model.h5" in told


def test_a_data_set_whose_files_lie_otherwise(
    repositories: tuple[Repository, ...], tmp_path: Path
) -> None:
    """Not in a folder of the configuration's name: ``datasets`` finds them by the description."""
    files = {
        name.replace("qnli/", "elsewhere/"): content.replace(b"qnli/", b"elsewhere/")
        if name == "README.md"
        else content
        for name, content in repositories[0].files.items()
    }
    with running(replace(repositories[0], files=files)) as hub:
        assert found(FIND_DATA, hub, tmp_path / "home") == "hub"
        assert any(f"resolve/{GLUE_REVISION}/elsewhere/train" in asked for asked in hub.requests)
