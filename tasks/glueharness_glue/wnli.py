"""WNLI: does the second sentence, whose pronoun is resolved, follow from the first?

Note the label order, which is the reverse of QNLI's and RTE's.
"""

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

_LABELS = ("not_entailment", "entailment")

WNLI = TaskSpec(
    name="wnli",
    title="WNLI",
    description="Does the sentence with its pronoun resolved follow from the sentence?",
    columns=("sentence1", "sentence2"),
    labels=_LABELS,
    # Dev has sentences of train with the opposite label, so that a model which remembers train
    # scores below the majority class.
    splits=three_splits(
        635,
        71,
        146,
        fingerprints=("c7c6ff6d5922f433", "3c3328fd093d2cf3", "9b1cdf51c4fd7993"),
    ),
    metrics=(ACCURACY,),
    locations=(
        TsvLayout(folder="WNLI", files=TSV_FILES, labels=read_from_ids(_LABELS)),
        on_hub("wnli", HUB_SPLITS),
    ),
    writer="glue",
    submission=(
        SubmissionFile(
            name="WNLI.tsv",
            split="test",
            values=written_as_ids(_LABELS),
            # Submissions with names in the place of 0 and 1 are told of, and were scored.
            names_taken=True,
        ),
    ),
    group="glue",
    citation="Levesque et al. 2012, KR; made into pairs by Wang et al. 2019, arXiv:1804.07461",
    licence="CC BY 4.0 (Winograd schemas)",
    texts_may_be_shared=True,
    url="https://cs.nyu.edu/~davise/papers/WinogradSchemas/WS.html",
)
