"""AX: GLUE's diagnostic set, with one linguistic phenomenon at a time.

It has no training data: a model that was trained on MNLI predicts it. It does not count in the
GLUE score.
"""

from __future__ import annotations

from glueharness import MATTHEWS, SplitSpec, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import GLUE_PAPER, on_hub, written_as_names
from glueharness_glue.mnli import MNLI

AX = TaskSpec(
    name="ax",
    title="AX",
    description="GLUE's diagnostic set: entailment, one linguistic phenomenon at a time.",
    columns=MNLI.columns,
    labels=MNLI.labels,
    splits=(SplitSpec(name="test", role="test", rows=1_104, fingerprint="6cc8f798fcab5ab5"),),
    # The server's R3: Matthews correlation of three labels.
    metrics=(MATTHEWS,),
    locations=(
        TsvLayout(
            folder="AX",
            files={"test": "AX.tsv"},
            columns={"premise": "sentence1", "hypothesis": "sentence2"},
        ),
        TsvLayout(
            folder="diagnostic",
            files={"test": "diagnostic.tsv"},
            columns={"premise": "sentence1", "hypothesis": "sentence2"},
        ),
        on_hub("ax", {"test": "test"}),
    ),
    writer="glue",
    submission=(SubmissionFile(name="AX.tsv", split="test", values=written_as_names(MNLI.labels)),),
    group="glue",
    trained_on="mnli",
    citation=GLUE_PAPER,
    licence="Not stated",
    url="https://gluebenchmark.com/diagnostics",
)
