"""The tasks' records against the facts of GLUE, written out here a second time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import pytest

from glueharness import HubLayout, TsvLayout
from glueharness.plugin.registry import Registry
from glueharness_glue.common import GLUE_REPOSITORY, GLUE_REVISION
from glueharness_glue.tasks import TASKS


@dataclass(frozen=True)
class Facts:
    """One line of the table.

    Attributes:
        columns: Input columns.
        labels: Labels in the hub's order.
        rows: Rows by split.
        metrics: The primary one first.
        files: Submission file to the split it is made from.
        written: What each label is written as, in the labels' order.
    """

    columns: str
    labels: str
    rows: dict[str, int]
    metrics: str
    files: dict[str, str]
    written: str = ""


IDS, NLI = "0 1", "entailment neutral contradiction"
TWO = "entailment not_entailment"
FACTS = {
    "cola": Facts(
        columns="sentence",
        labels="unacceptable acceptable",
        rows={"train": 8551, "dev": 1043, "test": 1063},
        metrics="matthews_correlation",
        files={"CoLA.tsv": "test"},
        written=IDS,
    ),
    "sst2": Facts(
        columns="sentence",
        labels="negative positive",
        rows={"train": 67349, "dev": 872, "test": 1821},
        metrics="accuracy",
        files={"SST-2.tsv": "test"},
        written=IDS,
    ),
    "mrpc": Facts(
        columns="sentence1 sentence2",
        labels="not_equivalent equivalent",
        rows={"train": 3668, "dev": 408, "test": 1725},
        metrics="f1 accuracy",
        files={"MRPC.tsv": "test"},
        written=IDS,
    ),
    "stsb": Facts(
        columns="sentence1 sentence2",
        labels="",
        rows={"train": 5749, "dev": 1500, "test": 1379},
        metrics="pearson spearman",
        files={"STS-B.tsv": "test"},
    ),
    "qqp": Facts(
        columns="question1 question2",
        labels="not_duplicate duplicate",
        rows={"train": 363846, "dev": 40430, "test": 390965},
        metrics="f1 accuracy",
        files={"QQP.tsv": "test"},
        written=IDS,
    ),
    "mnli": Facts(
        columns="premise hypothesis",
        labels=NLI,
        rows={
            "train": 392702,
            "dev_matched": 9815,
            "dev_mismatched": 9832,
            "test_matched": 9796,
            "test_mismatched": 9847,
        },
        metrics="accuracy",
        files={"MNLI-m.tsv": "test_matched", "MNLI-mm.tsv": "test_mismatched"},
        written=NLI,
    ),
    "qnli": Facts(
        columns="question sentence",
        labels=TWO,
        rows={"train": 104743, "dev": 5463, "test": 5463},
        metrics="accuracy",
        files={"QNLI.tsv": "test"},
        written=TWO,
    ),
    "rte": Facts(
        columns="sentence1 sentence2",
        labels=TWO,
        rows={"train": 2490, "dev": 277, "test": 3000},
        metrics="accuracy",
        files={"RTE.tsv": "test"},
        written=TWO,
    ),
    "wnli": Facts(
        columns="sentence1 sentence2",
        labels="not_entailment entailment",
        rows={"train": 635, "dev": 71, "test": 146},
        metrics="accuracy",
        files={"WNLI.tsv": "test"},
        written=IDS,
    ),
    "ax": Facts(
        columns="premise hypothesis",
        labels=NLI,
        rows={"test": 1104},
        metrics="matthews_correlation",
        files={"AX.tsv": "test"},
        written=NLI,
    ),
}
TASK = {task.name: task for task in TASKS}
both = pytest.mark.parametrize("name", FACTS)


def test_all_tasks_are_there_and_are_found_by_the_entry_point() -> None:
    assert [task.name for task in TASKS] == list(FACTS)
    registry = Registry()
    assert [registry.task(name) for name in FACTS] == list(TASKS)


@both
def test_facts(name: str) -> None:
    task, facts = TASK[name], FACTS[name]
    assert task.columns == tuple(facts.columns.split())
    assert task.labels == tuple(facts.labels.split())
    assert {split.name: split.rows for split in task.splits} == facts.rows
    assert [metric.name for metric in task.metrics] == facts.metrics.split()
    assert {file.name: file.split for file in task.submission} == facts.files
    for split in task.splits:
        assert split.name.split("_")[0] == split.role
    for file in task.submission:
        assert [file.values[label] for label in task.labels] == facts.written.split()
    assert (task.score_range == (0.0, 5.0)) is (name == "stsb")
    assert (task.trained_on == "mnli") is (name == "ax")
    assert (task.version == "v2") is (name == "qnli")
    assert (task.group, task.writer) == ("glue", "glue")
    assert task.title
    assert task.citation
    assert task.licence
    assert task.url.startswith("http")


@both
def test_places(name: str) -> None:
    task = TASK[name]
    hub, folder = task.location(HubLayout), task.location(TsvLayout)
    assert hub is not None
    assert folder is not None
    assert (hub.config, hub.repository, hub.revision) == (name, GLUE_REPOSITORY, GLUE_REVISION)
    names = {split: split.replace("dev", "validation") for split in FACTS[name].rows}
    assert dict(hub.splits) == names
    assert set(folder.files) == set(FACTS[name].rows)
    if folder.labels:
        # Numbers in files count as the hub's do.
        assert list(folder.labels.values()) == list(task.labels)
        assert list(folder.labels) == [str(number) for number in range(len(task.labels))]


def test_eleven_files_with_the_servers_names() -> None:
    assert sorted(file.name for task in TASKS for file in task.submission) == [
        "AX.tsv", "CoLA.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "MRPC.tsv", "QNLI.tsv", "QQP.tsv",
        "RTE.tsv", "SST-2.tsv", "STS-B.tsv", "WNLI.tsv",
    ]  # fmt: skip


def test_qnli_v1_is_known_for_what_it_is() -> None:
    (file,) = TASK["qnli"].submission
    assert "2019-01-30" in file.superseded[5740]


def test_listing_the_tasks_imports_nothing_heavy() -> None:
    program = (
        "import sys; import glueharness_glue as g; g.glueharness_tasks(); g.glueharness_sources(); "
        "g.glueharness_groups(); g.glueharness_published(); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "torch", "transformers", "datasets", "evaluate", "pyarrow", "huggingface_hub"}
    assert not heavy & set(answer.stdout.split())
