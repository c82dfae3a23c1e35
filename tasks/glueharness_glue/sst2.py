"""SST-2: is this sentence of a film review positive or negative?"""

from __future__ import annotations

from glueharness import ACCURACY, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import (
    HUB_SPLITS,
    TSV_FILES,
    on_hub,
    read_from_ids,
    three_splits,
    written_as_ids,
)

_LABELS = ("negative", "positive")

SST2 = TaskSpec(
    name="sst2",
    title="SST-2",
    description="Is the film review's sentence positive or negative?",
    columns=("sentence",),
    labels=_LABELS,
    splits=three_splits(
        67_349,
        872,
        1_821,
        fingerprints=("984b34310b67c086", "10f8ff485223069f", "fea435eadd1dca8d"),
    ),
    metrics=(ACCURACY,),
    locations=(
        TsvLayout(folder="SST-2", files=TSV_FILES, labels=read_from_ids(_LABELS)),
        on_hub("sst2", HUB_SPLITS),
    ),
    writer="glue",
    submission=(SubmissionFile(name="SST-2.tsv", split="test", values=written_as_ids(_LABELS)),),
    group="glue",
    citation="Socher et al. 2013, EMNLP, aclanthology.org/D13-1170",
    licence="Not stated",
    url="https://nlp.stanford.edu/sentiment/",
)
