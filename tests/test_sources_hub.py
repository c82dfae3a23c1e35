"""The hub as a source: the true clients against a stand-in on loopback, the cache, no network."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import DataError, HubLayout, SourceUnavailable, Table
from glueharness.data.opening import open_data
from glueharness.data.table import fingerprint
from glueharness.specs import DataOptions
from glueharness.system.network import why_unreachable
from glueharness_glue.common import GLUE_REVISION
from glueharness_glue.qnli import QNLI
from glueharness_glue.sample import generate
from glueharness_glue.sources import SOURCES
from glueharness_glue.sources.hub import HubSource
from glueharness_glue.tasks import TASKS
from tests.hub_glue import BERT, BERT_REVISION, ROWS, bert_repository, glue_repository
from tests.hub_stand_in import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from glueharness import TaskSpec

READ_ALL = """
import json
from glueharness.specs import DataOptions
from glueharness.data.table import fingerprint
from glueharness_glue.sources.hub import HubSource
from glueharness_glue.tasks import TASKS

found = {}
for task in TASKS:
    data = HubSource().open(task, DataOptions())
    for split in data.available:
        table = data.load(split)
        found[f"{task.name}/{split}"] = [fingerprint(table, task), list(table["index"])]
    found[task.name] = [data.origin.location, data.origin.revision]
print(json.dumps(found))
"""
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


def python(*arguments: str, endpoint: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with a hub and a cache of its own."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "TRANSFORMERS_", "GLUE"))
    }
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def made_up(task: TaskSpec, split: str) -> Table:
    """The rows that the stand-in serves, as they should come out."""
    rows = [dict(row) for row in generate(task.name)[split][:ROWS]]
    if (task.name, split) == ("qqp", "train"):
        rows[0]["question1"] = 'Who said "yes"?'
    hidden = {"label"} if task.split(split).role == "test" else set()
    return Table({name: [row[name] for row in rows] for name in rows[0] if name not in hidden})


def test_every_task_online_and_then_from_the_cache(tmp_path: Path) -> None:
    with running(glue_repository()) as hub:
        online = python("-c", READ_ALL, endpoint=hub.endpoint, home=tmp_path / "home")
        assert online.returncode == 0, online.stderr
        assert any("qnli/train-00000" in request for request in hub.requests)
        assert not any("/main/" in request for request in hub.requests)
    found = json.loads(online.stdout)
    for task in TASKS:
        assert found.pop(task.name) == [f"nyu-mll/glue/{task.name}", GLUE_REVISION]
        for split in task.splits:
            mark, index = found.pop(f"{task.name}/{split.name}")
            rows = made_up(task, split.name)
            assert mark == fingerprint(rows, task)
            step = 2 if (task.name, split.name) == ("qqp", "train") else 1
            assert index == list(range(0, step * len(rows), step))
    assert not found

    offline = python("-c", READ_ALL, endpoint=NOWHERE, home=tmp_path / "home")
    assert offline.returncode == 0, offline.stderr
    assert offline.stdout == online.stdout


CONFORM = """
import dataclasses, json
from glueharness.specs import DataOptions
from glueharness.plugin.registry import Registry
from glueharness.testing import SourceConformance
from glueharness.testing.checking import run_suite

registry = Registry()

class OfHub(SourceConformance):
    def prepare(self, folder):
        return DataOptions()

for name in ("mnli", "qqp", "rte", "stsb"):
    given = {"source": registry.sources.get("hub"), "task": registry.task(name)}
    for outcome in run_suite(name, OfHub, {**given, "registry": registry}):
        print(json.dumps(dataclasses.asdict(outcome)))
"""


def test_the_hub_conforms_as_every_source_must_online_and_from_its_cache(tmp_path: Path) -> None:
    with running(glue_repository()) as hub:
        online = python("-c", CONFORM, endpoint=hub.endpoint, home=tmp_path / "home")
        assert any("stsb/train-00000" in request for request in hub.requests)
    offline = python("-c", CONFORM, endpoint=NOWHERE, home=tmp_path / "home")
    for done in (online, offline):
        assert done.returncode == 0, done.stderr
        outcomes = [json.loads(line) for line in done.stdout.splitlines()]
        assert [outcome for outcome in outcomes if outcome["result"] == "failed"] == []
        left_out = {outcome["check"] for outcome in outcomes if outcome["result"] == "skipped"}
        assert left_out == {"damaged files are named"}  # the hub's files are not ours to damage
        assert len(outcomes) == 4 * 7


def run_json(folder: Path) -> dict[str, Any]:
    """The record of the latest run."""
    latest = max(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    record: dict[str, Any] = json.loads(latest.read_text())
    return record


def test_a_run_with_data_and_weights_of_the_hub_and_again_with_no_network(tmp_path: Path) -> None:
    home, runs = tmp_path / "home", tmp_path / "runs"
    command = ["-m", "glueharness", "run", "qnli", "--data", "hub", "--model", "bert-tiny"]
    command += ["--epochs", "1", "--runs-dir", str(runs), "--seed"]
    with running(glue_repository((QNLI,)), bert_repository()) as hub:
        first = python(*command, "1", endpoint=hub.endpoint, home=home)
    assert first.returncode == 0, first.stderr
    record = run_json(runs)
    assert record["data"]["source"] == "hub"
    assert record["data"]["revision"] == GLUE_REVISION
    assert record["data"]["location"] == "nyu-mll/glue/qnli"
    assert record["data"]["splits"]["dev"]["fingerprint"] == fingerprint(made_up(QNLI, "dev"), QNLI)
    assert record["notes"]["checkpoint"]["revision"] == BERT_REVISION
    assert record["notes"]["checkpoint"]["name"] == BERT
    assert record["notes"]["checkpoint"]["how"] == "hub"

    again = python(*command, "2", endpoint=NOWHERE, home=home)
    assert again.returncode == 0, again.stderr
    record = run_json(runs)
    assert record["seed"] == 2
    assert record["data"]["revision"] == GLUE_REVISION
    assert record["notes"]["checkpoint"]["revision"] == BERT_REVISION
    assert record["notes"]["checkpoint"]["how"] == "hub cache"


def test_a_download_that_breaks_off_gives_one_error_and_the_next_one_succeeds(
    tmp_path: Path,
) -> None:
    home, runs = tmp_path / "home", tmp_path / "runs"
    command = ["-m", "glueharness", "run", "qnli", "--model", "majority", "--runs-dir", str(runs)]
    with running(glue_repository((QNLI,))) as hub:
        hub.cut["qnli/validation-00000-of-00001.parquet"] = 1000
        # `auto` too must stop here, and not go on with made-up data.
        broken = python(*command, endpoint=hub.endpoint, home=home)
        assert broken.returncode == 1
        lines = broken.stderr.strip().splitlines()
        assert lines[0].startswith("error: nyu-mll/glue/qnli: the download")
        assert "broke off" in lines[0]
        assert "same command again" in lines[1]
        assert len(lines) == 2
        assert not list(runs.glob("*/run.json"))

        hub.cut.clear()
        hub.requests.clear()
        whole = python(*command, endpoint=hub.endpoint, home=home)
        assert whole.returncode == 0, whole.stderr
        # What had arrived before is not fetched again.
        assert not any(r.startswith("GET") and "train-00000" in r for r in hub.requests)
    assert run_json(runs)["data"]["source"] == "hub"


FIND_WEIGHTS = f"""
from glueharness import GlueharnessError
from glueharness_finetune.pretrained.find import Checkpoint, FreshStart, find_checkpoint

fresh = FreshStart(model_type="bert", architecture={{}}, vocabulary=10)
wanted = Checkpoint(name="{BERT}", revision="{BERT_REVISION}", fresh=fresh)
try:
    print(find_checkpoint(wanted, weights=None, offline=False).how)
except GlueharnessError as error:
    print(f"error: {{error}}")
"""


def test_weights_whose_download_breaks_off_are_not_replaced_by_fresh_ones(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(bert_repository()) as hub:
        hub.cut["model.safetensors"] = 300_000
        broken = python("-c", FIND_WEIGHTS, endpoint=hub.endpoint, home=home)
        assert broken.stdout.startswith(f"error: the download of {BERT}")
        assert "same command again" in broken.stdout
        assert broken.stderr == ""
        hub.cut.clear()
        assert python("-c", FIND_WEIGHTS, endpoint=hub.endpoint, home=home).stdout == "hub\n"
    assert python("-c", FIND_WEIGHTS, endpoint=NOWHERE, home=home).stdout == "hub cache\n"


# Without a network ------------------------------------------------------------------------


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The network may be asked, the cache is empty, and nothing answers."""
    from huggingface_hub import constants

    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", NOWHERE)
    return monkeypatch


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def patient(join: Callable[..., None]) -> Callable[..., None]:
    """Waits far longer than it was asked to, so that the client's own limit is met first."""
    return lambda thread, timeout: join(thread, timeout + 10)


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


def test_something_listens_and_never_answers(network: pytest.MonkeyPatch) -> None:
    with silent_server() as endpoint:
        network.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        assert "no answer within" in refusal().what


def test_no_answer_is_said_alike_whoever_gives_up_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_server() as endpoint:
        assert why_unreachable(endpoint, 0.2) == "no answer within 0.2 s"
        monkeypatch.setattr("threading.Thread.join", patient(threading.Thread.join))
        assert why_unreachable(endpoint, 0.2) == "no answer within 0.2 s"


def test_a_proxy_answers_in_place_of_the_hub(network: pytest.MonkeyPatch) -> None:
    with running() as empty:
        network.setattr("huggingface_hub.constants.ENDPOINT", empty.endpoint)
        assert "the answer is 404" in refusal().what
        assert len(empty.requests) == 1


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
    opened = open_data(QNLI, DataOptions(), SOURCES)
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
