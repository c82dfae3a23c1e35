"""GLUE's other tasks, one record each. ``qnli.py`` explains what the fields mean.

Row counts, label order and file names are those of the official data and of the hub; label
order differs between tasks that look alike (WNLI against QNLI and RTE), which is why labels
travel by name everywhere.
"""

from __future__ import annotations

from glueharness import SplitSpec, SubmissionFile, TaskSpec
from glueharness_glue.layouts import HubLayout, TsvLayout
from glueharness_glue.metrics import ACCURACY, F1, MATTHEWS, PEARSON, SPEARMAN
from glueharness_glue.qnli import QNLI

GLUE_PAPER = "Wang et al. 2019, arXiv:1804.07461"

_TSV = {"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"}
_HUB = {"train": "train", "dev": "validation", "test": "test"}

_ACCEPTABILITY = ("unacceptable", "acceptable")
_SENTIMENT = ("negative", "positive")
_PARAPHRASE = ("not_equivalent", "equivalent")
_DUPLICATE = ("not_duplicate", "duplicate")
_TWO_WAY = ("entailment", "not_entailment")
_THREE_WAY = ("entailment", "neutral", "contradiction")
_REVERSED = ("not_entailment", "entailment")


def _splits(train: int, dev: int, test: int) -> tuple[SplitSpec, ...]:
    return (
        SplitSpec(name="train", role="train", rows=train),
        SplitSpec(name="dev", role="dev", rows=dev),
        SplitSpec(name="test", role="test", rows=test),
    )


def _from_ids(labels: tuple[str, ...]) -> dict[str, str]:
    """How to read labels that stand in a file as numbers."""
    return {str(number): label for number, label in enumerate(labels)}


def _to_ids(labels: tuple[str, ...]) -> dict[str, str]:
    """How to write labels as numbers."""
    return {label: str(number) for number, label in enumerate(labels)}


def _to_names(labels: tuple[str, ...]) -> dict[str, str]:
    """How to write labels as they are called."""
    return {label: label for label in labels}


COLA = TaskSpec(
    name="cola",
    title="CoLA",
    description="Is the sentence acceptable English?",
    columns=("sentence",),
    labels=_ACCEPTABILITY,
    splits=_splits(8_551, 1_043, 1_063),
    metrics=(MATTHEWS,),
    locations=(
        TsvLayout(
            folder="CoLA",
            files=_TSV,
            labels=_from_ids(_ACCEPTABILITY),
            # Train and dev have no header: source, label, the author's mark, sentence.
            positions={
                "train": {"label": 1, "sentence": 3},
                "dev": {"label": 1, "sentence": 3},
            },
            width=4,
        ),
        HubLayout(config="cola", splits=_HUB),
    ),
    writer="glue",
    submission=(SubmissionFile(name="CoLA.tsv", split="test", values=_to_ids(_ACCEPTABILITY)),),
    group="glue",
    citation="Warstadt et al. 2019, TACL 7, arXiv:1805.12471",
    licence="Excerpts from published works, for research",
    url="https://nyu-mll.github.io/CoLA/",
)

SST2 = TaskSpec(
    name="sst2",
    title="SST-2",
    description="Is the film review's sentence positive or negative?",
    columns=("sentence",),
    labels=_SENTIMENT,
    splits=_splits(67_349, 872, 1_821),
    metrics=(ACCURACY,),
    locations=(
        TsvLayout(folder="SST-2", files=_TSV, labels=_from_ids(_SENTIMENT)),
        HubLayout(config="sst2", splits=_HUB),
    ),
    writer="glue",
    submission=(SubmissionFile(name="SST-2.tsv", split="test", values=_to_ids(_SENTIMENT)),),
    group="glue",
    citation="Socher et al. 2013, EMNLP, aclanthology.org/D13-1170",
    licence="Not stated",
    url="https://nlp.stanford.edu/sentiment/",
)

MRPC = TaskSpec(
    name="mrpc",
    title="MRPC",
    description="Do the two sentences say the same?",
    columns=("sentence1", "sentence2"),
    labels=_PARAPHRASE,
    splits=_splits(3_668, 408, 1_725),
    metrics=(F1, ACCURACY),
    locations=(
        TsvLayout(
            folder="MRPC",
            files=_TSV,
            columns={"sentence1": "#1 String", "sentence2": "#2 String"},
            label="Quality",
            labels=_from_ids(_PARAPHRASE),
        ),
        HubLayout(config="mrpc", splits=_HUB),
    ),
    writer="glue",
    submission=(SubmissionFile(name="MRPC.tsv", split="test", values=_to_ids(_PARAPHRASE)),),
    group="glue",
    starts_from="mnli",
    citation="Dolan & Brockett 2005, IWP, aclanthology.org/I05-5002",
    licence="Microsoft Research licence that comes with the corpus",
    url="https://www.microsoft.com/en-us/download/details.aspx?id=52398",
)

STSB = TaskSpec(
    name="stsb",
    title="STS-B",
    description="How alike in meaning are the two sentences, from 0 to 5?",
    columns=("sentence1", "sentence2"),
    labels=(),
    score_range=(0.0, 5.0),
    splits=_splits(5_749, 1_500, 1_379),
    metrics=(PEARSON, SPEARMAN),
    locations=(
        TsvLayout(folder="STS-B", files=_TSV, label="score"),
        HubLayout(config="stsb", splits=_HUB),
    ),
    writer="glue",
    submission=(SubmissionFile(name="STS-B.tsv", split="test", decimals=3),),
    group="glue",
    starts_from="mnli",
    citation="Cer et al. 2017, SemEval, arXiv:1708.00055",
    licence="Mixed: that of each source",
    url="http://ixa2.si.ehu.eus/stswiki/index.php/STSbenchmark",
)

QQP = TaskSpec(
    name="qqp",
    title="QQP",
    description="Do the two questions ask the same?",
    columns=("question1", "question2"),
    labels=_DUPLICATE,
    splits=_splits(363_846, 40_430, 390_965),
    metrics=(F1, ACCURACY),
    locations=(
        TsvLayout(
            folder="QQP",
            files=_TSV,
            label="is_duplicate",
            index="id",
            labels=_from_ids(_DUPLICATE),
            quoted=True,
            broken_rows=("train",),
        ),
        HubLayout(config="qqp", splits=_HUB, quoted=True),
    ),
    writer="glue",
    submission=(SubmissionFile(name="QQP.tsv", split="test", values=_to_ids(_DUPLICATE)),),
    group="glue",
    citation="Iyer et al. 2017, Quora's first release of question pairs",
    licence="Quora's terms of service; not for commercial use",
    url="https://quoradata.quora.com/First-Quora-Dataset-Release-Question-Pairs",
)

MNLI = TaskSpec(
    name="mnli",
    title="MNLI",
    description="Does the premise entail the hypothesis, contradict it, or neither?",
    columns=("premise", "hypothesis"),
    labels=_THREE_WAY,
    # Trained once; matched genres are those of the training data, mismatched ones are not.
    splits=(
        SplitSpec(name="train", role="train", rows=392_702),
        SplitSpec(name="dev_matched", role="dev", rows=9_815),
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
        HubLayout(
            config="mnli",
            splits={
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
        SubmissionFile(name="MNLI-m.tsv", split="test_matched", values=_to_names(_THREE_WAY)),
        SubmissionFile(name="MNLI-mm.tsv", split="test_mismatched", values=_to_names(_THREE_WAY)),
    ),
    group="glue",
    citation="Williams et al. 2018, NAACL, arXiv:1704.05426",
    licence="OANC; some fiction under CC BY 3.0 or CC BY-SA 3.0",
    url="https://cims.nyu.edu/~sbowman/multinli/",
)

RTE = TaskSpec(
    name="rte",
    title="RTE",
    description="Does the first text entail the second?",
    columns=("sentence1", "sentence2"),
    labels=_TWO_WAY,
    splits=_splits(2_490, 277, 3_000),
    metrics=(ACCURACY,),
    locations=(TsvLayout(folder="RTE", files=_TSV), HubLayout(config="rte", splits=_HUB)),
    writer="glue",
    submission=(SubmissionFile(name="RTE.tsv", split="test", values=_to_names(_TWO_WAY)),),
    group="glue",
    starts_from="mnli",
    citation="RTE1, 2, 3 and 5: Dagan et al. 2006, Bar Haim et al. 2006, "
    "Giampiccolo et al. 2007, Bentivogli et al. 2009",
    licence="Not stated",
    url="https://aclweb.org/aclwiki/Recognizing_Textual_Entailment",
)

WNLI = TaskSpec(
    name="wnli",
    title="WNLI",
    description="Does the sentence with its pronoun resolved follow from the sentence?",
    columns=("sentence1", "sentence2"),
    labels=_REVERSED,
    # Dev is adversarial to train: whoever learns train's sentences falls below the majority.
    splits=_splits(635, 71, 146),
    metrics=(ACCURACY,),
    locations=(
        TsvLayout(folder="WNLI", files=_TSV, labels=_from_ids(_REVERSED)),
        HubLayout(config="wnli", splits=_HUB),
    ),
    writer="glue",
    submission=(SubmissionFile(name="WNLI.tsv", split="test", values=_to_ids(_REVERSED)),),
    group="glue",
    citation="Levesque et al. 2012, KR; made into pairs by Wang et al. 2019, arXiv:1804.07461",
    licence="CC BY 4.0 (Winograd schemas)",
    url="https://cs.nyu.edu/~davise/papers/WinogradSchemas/WS.html",
)

AX = TaskSpec(
    name="ax",
    title="AX",
    description="GLUE's diagnostic set: entailment, one linguistic phenomenon at a time.",
    columns=MNLI.columns,
    labels=_THREE_WAY,
    splits=(SplitSpec(name="test", role="test", rows=1_104),),
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
        HubLayout(config="ax", splits={"test": "test"}),
    ),
    writer="glue",
    submission=(SubmissionFile(name="AX.tsv", split="test", values=_to_names(_THREE_WAY)),),
    group="glue",
    trained_on="mnli",
    citation=GLUE_PAPER,
    licence="Not stated",
    url="https://gluebenchmark.com/diagnostics",
)

TASKS = (COLA, SST2, MRPC, STSB, QQP, MNLI, QNLI, RTE, WNLI, AX)
"""In the order of the leaderboard's columns."""
