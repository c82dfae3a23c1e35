"""QNLI: does this sentence contain the answer to this question?

This is the reference task: to write one of your own, copy this module and change every line. A
task is one :class:`~glueharness.TaskSpec`, a record of facts. It contains no code and imports
nothing heavy: data are read and metrics are made only when a run needs them. To make a task known,
return it from the hook ``glueharness_tasks`` (see ``__init__.py`` in this folder).
"""

from __future__ import annotations

from glueharness import ACCURACY, HubLayout, SplitSpec, SubmissionFile, TaskSpec, TsvLayout
from glueharness_glue.common import GLUE_REPOSITORY, GLUE_REVISION

_V1 = "QNLI v1, which the server has not accepted since 2019-01-30"

QNLI = TaskSpec(
    name="qnli",
    title="QNLI",
    description="Does the sentence contain the answer to the question?",
    # What the model sees, in this order. Two columns are encoded as a pair, in training and in
    # prediction, so that neither can be forgotten.
    columns=("question", "sentence"),
    # Labels are names wherever a person or another program can see them. Data with numbers for
    # labels mean positions in this tuple.
    labels=("entailment", "not_entailment"),
    # The row counts of the complete splits; a run on others is marked partial. The fingerprints are
    # those of the official rows, where they are known; as many other rows are marked altered.
    splits=(
        SplitSpec(name="train", role="train", rows=104_743),
        SplitSpec(name="dev", role="dev", rows=5_463, fingerprint="b15c1390895f3a5a"),
        SplitSpec(name="test", role="test", rows=5_463, fingerprint="46d6a88be2c3bb16"),
    ),
    # The first metric picks the best epoch and ranks runs.
    metrics=(ACCURACY,),
    # Where the data are: one record for each source that has them. The sources come with this
    # package; a task with its own source puts it into `sources`.
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
    # What `glueharness submit` writes, and how it writes each label.
    writer="glue",
    submission=(
        SubmissionFile(
            name="QNLI.tsv",
            split="test",
            values={"entailment": "entailment", "not_entailment": "not_entailment"},
            superseded={5_740: _V1},
        ),
    ),
    # The tasks of a group have a score together.
    group="glue",
    # Scores of QNLI v1 are still in circulation and are not comparable.
    version="v2",
    citation="Wang et al. 2019, arXiv:1804.07461; made from SQuAD, Rajpurkar et al. 2016, "
    "arXiv:1606.05250",
    licence="CC BY-SA 4.0 (SQuAD)",
    texts_may_be_shared=True,
    url="https://rajpurkar.github.io/SQuAD-explorer/",
)
