"""QNLI: does this sentence answer this question?

The reference task: to write one of your own, copy this module and change every line. A task is
one :class:`~glueharness.TaskSpec`, a record of facts. It holds no code and imports nothing heavy;
data are read and metrics made only when a run asks for them. To make it known, return it from
the hook ``glueharness_tasks`` (see ``__init__.py`` in this folder).
"""

from __future__ import annotations

from glueharness import HubLayout, SplitSpec, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import GLUE_REPOSITORY, GLUE_REVISION
from glueharness_glue.metrics import ACCURACY

_V1 = "QNLI v1, which the server has not taken since 2019-01-30"

QNLI = TaskSpec(
    name="qnli",
    title="QNLI",
    description="Does the sentence hold the answer to the question?",
    # What the model sees, in this order. Two columns are encoded as a pair: neither can be
    # forgotten, in training or in prediction.
    columns=("question", "sentence"),
    # Labels are names wherever a person or another program can see them. The position in this
    # tuple is the number that stands for the label in data that number them.
    labels=("entailment", "not_entailment"),
    # The row counts of the complete splits. A run on others is marked partial.
    splits=(
        SplitSpec(name="train", role="train", rows=104_743),
        SplitSpec(name="dev", role="dev", rows=5_463),
        SplitSpec(name="test", role="test", rows=5_463),
    ),
    # The first metric picks the best epoch and ranks runs.
    metrics=(ACCURACY,),
    # Where the data lie: one record for each source that has them. The sources come with this
    # package; a task with a source of its own puts it into `sources`.
    locations=(
        TsvLayout(
            folder="QNLI",
            files={"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"},
            outdated={"train": {108_436: _V1}, "dev": {5_732: _V1}, "test": {5_740: _V1}},
        ),
        HubLayout(
            repository=GLUE_REPOSITORY,
            revision=GLUE_REVISION,
            config="qnli",
            splits={"train": "train", "dev": "validation", "test": "test"},
        ),
    ),
    # What `glueharness submit` writes, and how each label is spelt there.
    writer="glue",
    submission=(
        SubmissionFile(
            name="QNLI.tsv",
            split="test",
            values={"entailment": "entailment", "not_entailment": "not_entailment"},
            superseded={5_740: _V1},
        ),
    ),
    # Tasks of one group make one score together.
    group="glue",
    # Scores of QNLI v1 are still in circulation and are not comparable.
    version="v2",
    citation="Wang et al. 2019, arXiv:1804.07461; made from SQuAD, Rajpurkar et al. 2016, "
    "arXiv:1606.05250",
    licence="CC BY-SA 4.0 (SQuAD)",
    url="https://rajpurkar.github.io/SQuAD-explorer/",
)
