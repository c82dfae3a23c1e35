"""The hub as a source: the true clients against a stand-in on loopback, then its cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from glueharness.data.table import fingerprint
from glueharness_glue.common import GLUE_REVISION
from glueharness_glue.qnli import QNLI
from glueharness_glue.tasks import TASKS
from tests.hub_glue import BERT, BERT_REVISION, bert_repository, glue_repository, made_up
from tests.hub_runs import FIND_WEIGHTS, NOWHERE, python, run_json
from tests.hub_stand_in import running

if TYPE_CHECKING:
    from pathlib import Path

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
        assert lines[0].startswith(
            "error: nyu-mll/glue/qnli at revision bcdcba79d07b: the download"
        )
        assert "broke off" in lines[0]
        assert "same command again" in lines[1]
        assert "--data-dir FOLDER" in lines[2]
        assert len(lines) == 3
        assert not list(runs.glob("*/run.json"))

        hub.cut.clear()
        hub.requests.clear()
        whole = python(*command, endpoint=hub.endpoint, home=home)
        assert whole.returncode == 0, whole.stderr
        # What had arrived before is not fetched again.
        assert not any(r.startswith("GET") and "train-00000" in r for r in hub.requests)
    assert run_json(runs)["data"]["source"] == "hub"


def test_weights_whose_download_breaks_off_are_not_replaced_by_fresh_ones(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(bert_repository()) as hub:
        hub.cut["pytorch_model.bin"] = 300_000
        broken = python("-c", FIND_WEIGHTS, endpoint=hub.endpoint, home=home)
        assert broken.stdout.startswith(f"error: the download of {BERT}")
        assert "same command again" in broken.stdout
        assert broken.stderr == ""
        hub.cut.clear()
        assert python("-c", FIND_WEIGHTS, endpoint=hub.endpoint, home=home).stdout == "hub\n"
    assert python("-c", FIND_WEIGHTS, endpoint=NOWHERE, home=home).stdout == "hub cache\n"
