"""MNLI: does the premise entail the hypothesis, contradict it, or neither?

Trained once, with two dev and two test splits: matched ones come from the same genres as the
training data, mismatched ones do not.
"""

from __future__ import annotations

from glueharness import ACCURACY, SplitSpec, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import on_hub, written_as_names

_LABELS = ("entailment", "neutral", "contradiction")

MNLI = TaskSpec(
    name="mnli",
    title="MNLI",
    description="Does the premise entail the hypothesis, contradict it, or neither?",
    columns=("premise", "hypothesis"),
    labels=_LABELS,
    # Trained once; matched genres are those of the training data, mismatched ones are not.
    splits=(
        SplitSpec(name="train", role="train", rows=392_702),
        SplitSpec(name="dev_matched", role="dev", rows=9_815, fingerprint="667784bb27a4f273"),
        SplitSpec(name="dev_mismatched", role="dev", rows=9_832),
        SplitSpec(name="test_matched", role="test", rows=9_796),
        SplitSpec(name="test_mismatched", role="test", rows=9_847),
    ),
    metrics=(ACCURACY,),
    locations=(
        TsvLayout(
            folder="MNLI",
            files={
                "train": "train.tsv",
                "dev_matched": "dev_matched.tsv",
                "dev_mismatched": "dev_mismatched.tsv",
                "test_matched": "test_matched.tsv",
                "test_mismatched": "test_mismatched.tsv",
            },
            columns={"premise": "sentence1", "hypothesis": "sentence2"},
            label="gold_label",
        ),
        on_hub(
            "mnli",
            {
                "train": "train",
                "dev_matched": "validation_matched",
                "dev_mismatched": "validation_mismatched",
                "test_matched": "test_matched",
                "test_mismatched": "test_mismatched",
            },
        ),
    ),
    writer="glue",
    submission=(
        SubmissionFile(name="MNLI-m.tsv", split="test_matched", values=written_as_names(_LABELS)),
        SubmissionFile(
            name="MNLI-mm.tsv", split="test_mismatched", values=written_as_names(_LABELS)
        ),
    ),
    group="glue",
    citation="Williams et al. 2018, NAACL, arXiv:1704.05426",
    licence="OANC; some fiction under CC BY 3.0 or CC BY-SA 3.0",
    texts_may_be_shared=True,
    url="https://cims.nyu.edu/~sbowman/multinli/",
)
