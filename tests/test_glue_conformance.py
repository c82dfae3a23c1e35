"""Every GLUE task and source passes the suites that a stranger's must pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.specs import DataOptions
from glueharness.testing import SourceConformance, TaskConformance
from glueharness_glue.ax import AX
from glueharness_glue.cola import COLA
from glueharness_glue.mnli import MNLI
from glueharness_glue.mrpc import MRPC
from glueharness_glue.qqp import QQP
from glueharness_glue.rte import RTE
from glueharness_glue.sample import generate
from glueharness_glue.sources import SOURCES
from glueharness_glue.sst2 import SST2
from glueharness_glue.stsb import STSB
from glueharness_glue.wnli import WNLI
from tests.glue_official import write_official

if TYPE_CHECKING:
    from pathlib import Path

DIR, HUB, SAMPLE = SOURCES
MADE_UP = DataOptions(source="sample", offline=True)


class TestCola(TaskConformance):
    task, data = COLA, MADE_UP


class TestSst2(TaskConformance):
    task, data = SST2, MADE_UP


class TestMrpc(TaskConformance):
    task, data = MRPC, MADE_UP


class TestStsb(TaskConformance):
    task, data = STSB, MADE_UP


class TestQqp(TaskConformance):
    task, data = QQP, MADE_UP


class TestMnli(TaskConformance):
    task, data = MNLI, MADE_UP


class TestRte(TaskConformance):
    task, data = RTE, MADE_UP


class TestWnli(TaskConformance):
    task, data = WNLI, MADE_UP


class TestAx(TaskConformance):
    task, data = AX, MADE_UP


class FolderConformance(SourceConformance):
    """The official files, made up, each damaged in turn."""

    source = DIR

    def prepare(self, folder: Path) -> DataOptions:
        for split, rows in generate(self.task.name).items():
            write_official(folder, self.task, split, rows[:20])
        return DataOptions(folder=folder)


class TestFolderOfCola(FolderConformance):
    task = COLA


class TestFolderOfMrpc(FolderConformance):
    task = MRPC


class TestFolderOfStsb(FolderConformance):
    task = STSB


class TestFolderOfQqp(FolderConformance):
    task = QQP


class TestFolderOfMnli(FolderConformance):
    task = MNLI


class TestFolderOfAx(FolderConformance):
    task = AX


class TestSample(SourceConformance):
    source, task = SAMPLE, MNLI


class TestHub(SourceConformance):
    """Offline and with an empty cache; the rest is in test_sources_hub.py."""

    source, task = HUB, MNLI


del FolderConformance
