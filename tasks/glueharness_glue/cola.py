"""CoLA: is this sentence acceptable English?

Scored with the Matthews correlation: seven in ten sentences are acceptable, so that accuracy would
reward a model that accepts them all.
"""

from __future__ import annotations

from glueharness import MATTHEWS, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import (
    HUB_SPLITS,
    TSV_FILES,
    on_hub,
    read_from_ids,
    three_splits,
    written_as_ids,
)

_LABELS = ("unacceptable", "acceptable")

COLA = TaskSpec(
    name="cola",
    title="CoLA",
    description="Is the sentence acceptable English?",
    columns=("sentence",),
    labels=_LABELS,
    splits=three_splits(
        8_551,
        1_043,
        1_063,
        fingerprints=("6391fee0fae174f1", "81334b4f832cf7e2", "80fe54e76a49d645"),
    ),
    metrics=(MATTHEWS,),
    locations=(
        TsvLayout(
            folder="CoLA",
            files=TSV_FILES,
            labels=read_from_ids(_LABELS),
            # Train and dev have no header: source, label, the author's mark, sentence.
            positions={
                "train": {"label": 1, "sentence": 3},
                "dev": {"label": 1, "sentence": 3},
            },
            width=4,
        ),
        on_hub("cola", HUB_SPLITS),
    ),
    writer="glue",
    submission=(SubmissionFile(name="CoLA.tsv", split="test", values=written_as_ids(_LABELS)),),
    group="glue",
    citation="Warstadt et al. 2019, TACL 7, arXiv:1805.12471",
    licence="Excerpts from published works, for research",
    url="https://nyu-mll.github.io/CoLA/",
)
