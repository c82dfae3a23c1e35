"""RTE: does the first text entail the second?"""

from __future__ import annotations

from glueharness import ACCURACY, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import HUB_SPLITS, TSV_FILES, on_hub, three_splits, written_as_names

_LABELS = ("entailment", "not_entailment")

RTE = TaskSpec(
    name="rte",
    title="RTE",
    description="Does the first text entail the second?",
    columns=("sentence1", "sentence2"),
    labels=_LABELS,
    splits=three_splits(
        2_490,
        277,
        3_000,
        fingerprints=("5b2bb8acdb597f56", "e666b62ce6292aaf", "ac6d364a8ab032c9"),
    ),
    metrics=(ACCURACY,),
    locations=(TsvLayout(folder="RTE", files=TSV_FILES), on_hub("rte", HUB_SPLITS)),
    writer="glue",
    submission=(SubmissionFile(name="RTE.tsv", split="test", values=written_as_names(_LABELS)),),
    group="glue",
    starts_from="mnli",
    citation="RTE1, 2, 3 and 5: Dagan et al. 2006, Bar Haim et al. 2006, "
    "Giampiccolo et al. 2007, Bentivogli et al. 2009",
    licence="Not stated",
    url="https://aclweb.org/aclwiki/Recognizing_Textual_Entailment",
)
