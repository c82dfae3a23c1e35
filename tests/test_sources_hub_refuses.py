"""A hub that answers is a hub: what it refuses is told with what to do; nothing takes its place."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from glueharness import DataError, ModelError, SourceUnavailable
from glueharness.data.opening import open_data
from glueharness.plugin.guarded import OfferedSource
from glueharness.specs import DataOptions
from glueharness_finetune.pretrained.find import Checkpoint, FreshStart, find_checkpoint
from glueharness_glue.qnli import QNLI
from glueharness_glue.sources import SOURCES
from glueharness_hub import explain
from tests.hub_glue import BERT, BERT_REVISION, bert_repository, glue_repository
from tests.hub_runs import FIND_DATA, FIND_WEIGHTS, python, run_json
from tests.hub_stand_in import Fault, Hub, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "hf_of-the-test"  # noqa: S105 - made up
WEIGHTS = Checkpoint(
    name=BERT,
    revision=BERT_REVISION,
    fresh=FreshStart(model_type="bert", architecture={}, vocabulary=10),
)


@pytest.fixture(scope="module")
def served() -> Iterator[Hub]:
    with running(glue_repository((QNLI,)), bert_repository()) as hub:
        yield hub


@pytest.fixture
def hub(served: Hub, network: pytest.MonkeyPatch) -> Hub:
    """The hub, with no faults, for this process; its client waits without waiting."""
    served.requests.clear()
    served.faults, served.token, served.granted, served.delay = [], "", False, 0.0
    network.setattr("huggingface_hub.constants.ENDPOINT", served.endpoint)
    network.setattr("time.sleep", lambda _: None)
    return served


def refusals() -> tuple[DataError, ModelError]:
    """What is told of the data and of the weights, when each could be replaced by another."""
    with pytest.raises(DataError) as data:
        open_data(QNLI, DataOptions(), [OfferedSource(spec) for spec in SOURCES])
    assert not isinstance(data.value, SourceUnavailable)
    with pytest.raises(ModelError) as weights:
        find_checkpoint(WEIGHTS, weights=None, offline=False)
    assert "nyu-mll/glue" in data.value.where
    assert BERT in weights.value.what
    assert "--data-dir FOLDER" in data.value.remedy
    assert "--data sample" in data.value.remedy
    assert "--weights FOLDER" in weights.value.remedy
    return data.value, weights.value


def test_no_token_where_one_is_wanted(hub: Hub) -> None:
    hub.token = TOKEN
    for error in refusals():
        assert "wants a token (401)" in error.what
        assert "hf auth login" in error.remedy
        assert "HF_TOKEN" in error.remedy


def test_a_wrong_token(hub: Hub, network: pytest.MonkeyPatch) -> None:
    hub.token = TOKEN
    network.setenv("HF_TOKEN", "hf_another")
    for error in refusals():
        assert "does not accept the token (401)" in error.what
        assert "hf auth whoami" in error.remedy
        assert "hf_another" not in str(error)


@pytest.mark.parametrize("token", ["", TOKEN])
def test_a_gated_repository(served: Hub, network: pytest.MonkeyPatch, token: str) -> None:
    gated = [replace(repository, gated=True) for repository in served.repositories]
    with running(*gated) as hub:
        network.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
        if token:
            network.setenv("HF_TOKEN", token)
        data, weights = refusals()
        for error in (data, weights):
            assert f"those who asked for access ({403 if token else 401})" in error.what
        assert f"Ask for access at {hub.endpoint}/datasets/nyu-mll/glue," in data.remedy
        assert f"Ask for access at {hub.endpoint}/{BERT}," in weights.remedy


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "answers 400"),
        (403, "does not allow it"),
        (404, "does not know it"),
        (408, "takes no more requests for now"),
        (429, "takes no more requests for now"),
        (500, "has a fault for now"),
        (502, "has a fault for now"),
        (503, "has a fault for now"),
        (504, "has a fault for now"),
    ],
)
def test_every_other_refusal(hub: Hub, status: int, words: str) -> None:
    hub.faults = [Fault(status, where="/revision/")]
    for error in refusals():
        assert words in error.what
        assert str(status) in error.what
        assert hub.endpoint in error.what
    # Where waiting may help, the client's own attempts came first.
    asked = [request for request in hub.requests if "/revision/" in request]
    assert len(asked) == 2 * (6 if status in {408, 429} or status >= 500 else 1)


def test_the_client_waits_as_long_as_it_is_asked_to_and_says_so(
    hub: Hub, network: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[float] = []
    network.setattr("time.sleep", waits.append)
    hub.faults = [Fault(429, where="/revision/", times=2, headers={"Retry-After": "30"})]
    hub.faults += [Fault(404, where="/tree/")]
    with pytest.raises(ModelError):
        find_checkpoint(WEIGHTS, weights=None, offline=False)
    assert [wait for wait in waits if wait > 20] == [31.0, 31.0]
    told = capsys.readouterr().err.splitlines()
    assert told == [f"waiting for the hub: next attempt in 31 s ({n} of 5)" for n in (1, 2)]


def test_a_revision_that_a_mirror_does_not_have(served: Hub, network: pytest.MonkeyPatch) -> None:
    old = [replace(repository, commit="0" * 40) for repository in served.repositories]
    with running(*old) as hub:
        network.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
        for error in refusals():
            assert "but not this revision of it (404)" in error.what


def test_a_token_never_gets_into_a_message(network: pytest.MonkeyPatch) -> None:
    network.setenv("HF_TOKEN", TOKEN)
    told = explain(ValueError(f"Illegal header value b'Bearer {TOKEN}'"), "x")
    assert TOKEN not in told.what
    assert "(the token)" in told.what


def test_an_unknown_certificate_is_no_absence(network: pytest.MonkeyPatch) -> None:
    """Where a network puts its own in front of the hub."""
    import ssl

    def refuse(*_: object, **__: object) -> None:
        reason = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
        raise ssl.SSLCertVerificationError(1, reason)

    with running() as hub:
        network.setattr(
            "huggingface_hub.constants.ENDPOINT", hub.endpoint.replace("http://", "https://")
        )
        network.setattr("ssl.SSLContext.wrap_socket", refuse)
        for error in refusals():
            assert "certificate" in error.what
            assert "SSL_CERT_FILE" in error.remedy


# In processes of their own ----------------------------------------------------------------


def found(script: str, hub: Hub, home: Path, **environment: str) -> str:
    done = python("-c", script, endpoint=hub.endpoint, home=home, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("xet", [False, True], ids=["CDN", "Xet"])
def test_a_private_mirror_serves_who_has_the_token(served: Hub, tmp_path: Path, xet: bool) -> None:
    with running(*served.repositories) as hub:
        hub.token, hub.xet = TOKEN, xet
        hub.faults = [
            Fault(429, where="resolve/", times=1, headers={"Retry-After": "0"}),
            Fault(503, where="/tree/", times=1),
        ]
        assert found(FIND_DATA, hub, tmp_path / "home", HF_TOKEN=TOKEN) == "hub"
        assert found(FIND_WEIGHTS, hub, tmp_path / "home", HF_TOKEN=TOKEN) == "hub"
        words = "GET block/" if xet else "GET store/"
        assert sum(request.startswith(words) for request in hub.requests) == 4


def test_a_refusal_in_the_middle_of_a_download(served: Hub, tmp_path: Path) -> None:
    """The list was given, a file is not: by the hub, or by the host where large files lie."""
    with running(*served.repositories) as hub:
        for name, fault in (("hub", Fault(403, where="resolve/")), ("storage", None)):
            home = tmp_path / name
            hub.faults = [fault] if fault else []
            hub.storage.fault = 0 if fault else 403
            place = hub.endpoint if fault else hub.storage.address
            data, weights = found(FIND_DATA, hub, home), found(FIND_WEIGHTS, hub, home)
            for told in (data, weights):
                assert told.startswith("error: ")
                assert f"{place} does not allow it (403)" in told.splitlines()[0]


# Real waits -------------------------------------------------------------------------------

RUN = ("-m", "glueharness", "run", "qnli", "--model", "bert-tiny", "--epochs", "1")


@pytest.mark.slow
@pytest.mark.parametrize("delay", [1.3, 3.2])
def test_a_slow_hub_is_waited_for(served: Hub, tmp_path: Path, delay: float) -> None:
    runs = tmp_path / "runs"
    with running(*served.repositories) as hub:
        hub.delay, hub.token = delay, TOKEN
        hub.faults = [Fault(429, where="resolve/", times=1, headers={"Retry-After": "2"})]
        done = python(
            *RUN, "--runs-dir", str(runs), endpoint=hub.endpoint, home=tmp_path / "home",
            HF_TOKEN=TOKEN,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = run_json(runs)
    assert record["data"]["source"] == "hub"
    assert record["notes"]["checkpoint"]["how"] == "hub"
    assert record["notes"]["checkpoint"]["revision"] == BERT_REVISION


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_that_does_not_get_well_ends_the_run(
    served: Hub, tmp_path: Path, status: int
) -> None:
    with running(*served.repositories) as hub:
        hub.faults = [Fault(status)]
        done = python(
            *RUN, "--runs-dir", str(tmp_path / "runs"), endpoint=hub.endpoint,
            home=tmp_path / "home",
        )  # fmt: skip
    assert done.returncode == 1
    assert re.search(rf"\({status}\), after several attempts", done.stderr)
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("runs/*/run.json"))
