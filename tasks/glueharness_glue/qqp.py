"""QQP: do these two questions from Quora mean the same?

The largest test set, and the only task whose files wrap texts in quotes.
"""

from __future__ import annotations

from glueharness import ACCURACY, F1, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import (
    HUB_SPLITS,
    TSV_FILES,
    on_hub,
    read_from_ids,
    three_splits,
    written_as_ids,
)

_LABELS = ("not_duplicate", "duplicate")

QQP = TaskSpec(
    name="qqp",
    title="QQP",
    description="Do the two questions mean the same?",
    columns=("question1", "question2"),
    labels=_LABELS,
    splits=three_splits(363_846, 40_430, 390_965),
    metrics=(F1, ACCURACY),
    locations=(
        TsvLayout(
            folder="QQP",
            files=TSV_FILES,
            label="is_duplicate",
            index="id",
            labels=read_from_ids(_LABELS),
            quoted=True,
            broken_rows=("train",),
        ),
        on_hub("qqp", HUB_SPLITS, quoted=True),
    ),
    writer="glue",
    submission=(SubmissionFile(name="QQP.tsv", split="test", values=written_as_ids(_LABELS)),),
    group="glue",
    citation="Iyer et al. 2017, Quora's first release of question pairs",
    licence="Quora's terms of service; not for commercial use",
    url="https://quoradata.quora.com/First-Quora-Dataset-Release-Question-Pairs",
)
