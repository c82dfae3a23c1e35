"""The tasks, with the field names, label words and file names of the official download.

Sources: the SuperGLUE paper and its page (super.gluebenchmark.com: tasks, FAQ), and the programs of
jiant, its authors' toolkit, which reads the download and writes submissions. Numbers of rows are
those of the paper's table 1, for MultiRC those of the data, which has a row for each answer.

ReCoRD is not here: its answers are names of a passage that can occur several times, it has as many
candidates as the passage has names, and it is scored by the best of several right answers. That is
no classification of rows, and it would be another task if it were made one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glueharness import (
    ACCURACY,
    EXACT_MATCH,
    F1,
    MACRO_F1,
    MATTHEWS,
    FileForm,
    MetricSpec,
    SplitSpec,
    SubmissionFile,
    TaskSpec,
    jsonl_source,
)
from glueharness_superglue import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

PAPER = "Wang et al. 2019, NeurIPS, arXiv:1905.00537"
NOT_STATED = "Not stated"
YES_NO = {"false": "false", "true": "true"}
"""Label name to what the submission says; JSON's own words for it are label names, too."""
ENTAILMENT = ("entailment", "not_entailment")
_FILES = {"train": "train.jsonl", "dev": "val.jsonl", "test": "test.jsonl"}


def _splits(train: int, dev: int, test: int) -> tuple[SplitSpec, ...]:
    return (
        SplitSpec(name="train", role="train", rows=train),
        SplitSpec(name="dev", role="dev", rows=dev),
        SplitSpec(name="test", role="test", rows=test),
    )


def _task(name: str, title: str, values: Mapping[str, str], **facts: Any) -> TaskSpec:
    """A task of the group, whose files are in a folder of its title.

    Args:
        name: The name on the command line.
        title: The name in print, and that of its folder and of its file in a submission.
        values: Label name to what the submission says.
        facts: Further fields of the spec; ``form`` is what its files mean, ``keys`` the numbers
            that its submission names rows by.
    """
    form = FileForm(**{"files": _FILES, "below": title, **facts.pop("form", {})})
    keys = facts.pop("keys", ("idx",))
    return TaskSpec(
        **{"metrics": (ACCURACY,), "labels": tuple(values), **facts},
        name=name,
        title=title,
        sources=(jsonl_source(form=form),),
        writer="superglue",
        submission=(SubmissionFile(name=f"{title}.jsonl", split="test", values=values, keys=keys),),
        group="superglue",
    )


def _by_question(*metrics: MetricSpec) -> tuple[MetricSpec, ...]:
    return tuple(replace(metric, unit="question") for metric in metrics)


BOOLQ = _task(
    "boolq",
    "BoolQ",
    YES_NO,
    description="Does the passage answer the question with yes?",
    columns=("question", "passage"),
    splits=_splits(9_427, 3_270, 3_245),
    citation="Clark et al. 2019, NAACL, arXiv:1905.10044",
    licence="CC BY-SA 3.0",
    url="https://github.com/google-research-datasets/boolean-questions",
)
CB = _task(
    "cb",
    "CB",
    {name: name for name in ("entailment", "contradiction", "neutral")},
    description="Is the author of the text committed to the hypothesis?",
    columns=("premise", "hypothesis"),
    splits=_splits(250, 56, 250),
    metrics=(ACCURACY, MACRO_F1),
    citation="De Marneffe et al. 2019, Sinn und Bedeutung 23",
    licence=NOT_STATED,
    url="https://github.com/mcdm/CommitmentBank",
)
COPA = _task(
    "copa",
    "COPA",
    {"choice1": "0", "choice2": "1"},
    description="Which of the two is the cause or the effect of the premise?",
    columns=("premise", "choice1", "choice2"),
    choices=("choice1", "choice2"),
    splits=_splits(400, 100, 500),
    form={"row": rows.copa, "labels": {"0": "choice1", "1": "choice2"}},
    citation="Roemmele et al. 2011, AAAI Spring Symposium",
    licence="BSD 2-Clause",
    url="https://people.ict.usc.edu/~gordon/copa.html",
)
MULTIRC = _task(
    "multirc",
    "MultiRC",
    {"wrong": "0", "right": "1"},
    description="Is this a right answer to the question about the passage?",
    columns=("passage", "answer"),
    splits=_splits(27_243, 4_848, 9_693),
    # F1 over all answers, and the questions of which every answer is judged rightly.
    metrics=_by_question(F1, EXACT_MATCH),
    form={"row": rows.multirc, "labels": {"0": "wrong", "1": "right"}},
    keys=("passage_idx", "question_idx", "answer_idx"),
    citation="Khashabi et al. 2018, NAACL, aclanthology.org/N18-1023",
    licence=NOT_STATED,
    url="https://cogcomp.seas.upenn.edu/multirc/",
)
RTE = _task(
    # GLUE has a task of that name, which is submitted to another server in another form.
    "superglue-rte",
    "RTE",
    {name: name for name in ENTAILMENT},
    description="Does the first text entail the second?",
    columns=("premise", "hypothesis"),
    splits=_splits(2_490, 277, 3_000),
    starts_from="mnli",
    citation="RTE1, 2, 3 and 5: Dagan et al. 2006, Bar Haim et al. 2006, "
    "Giampiccolo et al. 2007, Bentivogli et al. 2009",
    licence=NOT_STATED,
    url="https://aclweb.org/aclwiki/Recognizing_Textual_Entailment",
)
WIC = _task(
    "wic",
    "WiC",
    YES_NO,
    description="Does the marked word have the same meaning in both sentences?",
    columns=("sentence1", "sentence2"),
    splits=_splits(5_428, 638, 1_400),
    form={"row": rows.wic},
    citation="Pilehvar & Camacho-Collados 2019, NAACL, arXiv:1808.09121",
    licence="CC BY-NC 4.0",
    url="https://pilehvar.github.io/wic/",
)
WSC = _task(
    "wsc",
    "WSC",
    {"false": "False", "true": "True"},
    description="Does the marked pronoun (#) stand for the marked noun phrase (*)?",
    columns=("text",),
    splits=_splits(554, 104, 146),
    form={"row": rows.wsc},
    citation="Levesque et al. 2012, KR",
    licence="CC BY 4.0",
    url="https://cs.nyu.edu/~davise/papers/WinogradSchemas/WS.html",
)
AX_B = _task(
    "ax-b",
    "AX-b",
    {name: name for name in ENTAILMENT},
    description="Entailment, one linguistic phenomenon at a time; predicted with models of RTE.",
    columns=("sentence1", "sentence2"),
    splits=(SplitSpec(name="test", role="test", rows=1_104),),
    metrics=(MATTHEWS,),
    form={"files": {"test": "AX-b.jsonl"}},
    trained_on="superglue-rte",
    citation=PAPER,
    licence=NOT_STATED,
    url="https://super.gluebenchmark.com/diagnostics",
)
AX_G = _task(
    "ax-g",
    "AX-g",
    {name: name for name in ENTAILMENT},
    description="Entailment that must not depend on gender; predicted with models of RTE.",
    columns=("premise", "hypothesis"),
    splits=(SplitSpec(name="test", role="test", rows=356),),
    form={"files": {"test": "AX-g.jsonl"}},
    trained_on="superglue-rte",
    citation="Rudinger et al. 2018, NAACL, arXiv:1804.09301; Poliak et al. 2018, EMNLP",
    licence="MIT",
    url="https://github.com/rudinger/winogender-schemas",
)

DIAGNOSTICS = (AX_B, AX_G)
TASKS = (BOOLQ, CB, COPA, MULTIRC, RTE, WIC, WSC, *DIAGNOSTICS)
"""In the order of the leaderboard's columns."""
