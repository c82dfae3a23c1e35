"""STS-B: how similar in meaning are these two sentences, on a scale from 0 to 5?

GLUE's only regression: the task has no labels, and predictions are clipped to its score range.
"""

from __future__ import annotations

from glueharness import PEARSON, SPEARMAN, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import HUB_SPLITS, TSV_FILES, on_hub, three_splits

STSB = TaskSpec(
    name="stsb",
    title="STS-B",
    description="How similar in meaning are the two sentences, from 0 to 5?",
    columns=("sentence1", "sentence2"),
    labels=(),
    score_range=(0.0, 5.0),
    splits=three_splits(
        5_749,
        1_500,
        1_379,
        fingerprints=("334d0a5653ee02dd", "5ba7ed19fa0f5ba2", "9289ec0ee7c2e68b"),
    ),
    metrics=(PEARSON, SPEARMAN),
    locations=(
        TsvLayout(folder="STS-B", files=TSV_FILES, label="score"),
        on_hub("stsb", HUB_SPLITS),
    ),
    writer="glue",
    submission=(SubmissionFile(name="STS-B.tsv", split="test", decimals=3),),
    group="glue",
    starts_from="mnli",
    citation="Cer et al. 2017, SemEval, arXiv:1708.00055",
    licence="Mixed: that of each source",
    url="http://ixa2.si.ehu.eus/stswiki/index.php/STSbenchmark",
)
