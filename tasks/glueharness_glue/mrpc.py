"""MRPC: do these two sentences from the news mean the same?"""

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

_LABELS = ("not_equivalent", "equivalent")

MRPC = TaskSpec(
    name="mrpc",
    title="MRPC",
    description="Do the two sentences mean the same?",
    columns=("sentence1", "sentence2"),
    labels=_LABELS,
    splits=three_splits(
        3_668,
        408,
        1_725,
        fingerprints=("1dfe64a1f8b27df0", "a3842b9703d920fe", "672b983f4debdaed"),
    ),
    metrics=(F1, ACCURACY),
    locations=(
        TsvLayout(
            folder="MRPC",
            files=TSV_FILES,
            columns={"sentence1": "#1 String", "sentence2": "#2 String"},
            label="Quality",
            labels=read_from_ids(_LABELS),
        ),
        on_hub("mrpc", HUB_SPLITS),
    ),
    writer="glue",
    submission=(SubmissionFile(name="MRPC.tsv", split="test", values=written_as_ids(_LABELS)),),
    group="glue",
    starts_from="mnli",
    citation="Dolan & Brockett 2005, IWP, aclanthology.org/I05-5002",
    licence="Microsoft Research licence that comes with the corpus",
    url="https://www.microsoft.com/en-us/download/details.aspx?id=52398",
)
