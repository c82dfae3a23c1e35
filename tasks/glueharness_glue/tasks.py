"""All of GLUE's tasks. Each is a record in a file of its own; ``qnli.py`` explains the fields."""

from __future__ import annotations

from glueharness_glue.ax import AX
from glueharness_glue.cola import COLA
from glueharness_glue.mnli import MNLI
from glueharness_glue.mrpc import MRPC
from glueharness_glue.qnli import QNLI
from glueharness_glue.qqp import QQP
from glueharness_glue.rte import RTE
from glueharness_glue.sst2 import SST2
from glueharness_glue.stsb import STSB
from glueharness_glue.wnli import WNLI

TASKS = (COLA, SST2, MRPC, STSB, QQP, MNLI, QNLI, RTE, WNLI, AX)
"""In the order of the leaderboard's columns."""
