"""Published scores: rows of the official leaderboard and of papers, each with its source."""

from __future__ import annotations

from glueharness import PublishedSpec

_TURC = "google-research/bert README; Turc et al. 2019, arXiv:1908.08962"
_GLUE = "GLUE paper: Wang et al. 2019, arXiv:1804.07461"
_V1 = {"qnli": "v1"}
_SCORES = {
    "cola": ("matthews_correlation",),
    "sst2": ("accuracy",),
    "mrpc": ("f1", "accuracy"),
    "stsb": ("pearson", "spearman"),
    "qqp": ("f1", "accuracy"),
    "mnli": ("test_matched", "test_mismatched"),
    "qnli": ("accuracy",),
    "rte": ("accuracy",),
    "wnli": ("accuracy",),
    "ax": ("matthews_correlation",),
}
"""What the numbers of a cell are: metrics on the test split, or for MNLI its two test splits."""


def _cell(task: str, text: str) -> dict[str, dict[str, float]]:
    """``"81.1/71.1"`` of MRPC as scores by split and metric, fractions."""
    values = [round(float(part) / 100, 6) for part in text.split("/")]
    named = dict(zip(_SCORES[task], values, strict=True))
    if task == "mnli":
        return {split: {"accuracy": value} for split, value in named.items()}
    return {"test": named}


def _row(
    name: str, score: float, cells: str, source: str, *, versions: dict[str, str] | None = None
) -> PublishedSpec:
    """A row of the official server, in points: the nine tasks and AX in the leaderboard's order."""
    texts = dict(zip(_SCORES, cells.split(), strict=True))
    return PublishedSpec(
        name=name,
        scores={task: _cell(task, text) for task, text in texts.items() if text != "–"},
        source=source,
        group="glue",
        group_score=round(score / 100, 6),
        versions=versions or {},
    )


def _dev(name: str, points: float, source: str, note: str = "") -> PublishedSpec:
    """An accuracy on QNLI's dev split, in points."""
    scores = {"qnli": {"dev": {"accuracy": round(points / 100, 6)}}}
    return PublishedSpec(name=name, scores=scores, source=source, note=note)


# fmt: off
TEST_ROWS = (
    _row("BERT-Tiny", 64.2,
         "0.0 83.2 81.1/71.1 74.3/73.6 62.2/83.4 70.2/70.3 81.5 57.2 62.3 21.0", _TURC),
    _row("BERT-Mini", 65.8,
         "0.0 85.9 81.1/71.8 75.4/73.3 66.4/86.2 74.8/74.3 84.1 57.9 62.3 26.1", _TURC),
    _row("BERT-Small", 71.2,
         "27.8 89.7 83.4/76.2 78.8/77.0 68.1/87.0 77.6/77.0 86.4 61.8 62.3 28.6", _TURC),
    _row("BERT-Medium", 73.5,
         "38.0 89.6 86.6/81.6 80.4/78.4 69.6/87.9 80.0/79.1 87.7 62.2 62.3 30.5", _TURC),
    _row("BERT-Large", 80.5,
         "60.5 94.9 89.3/85.4 87.6/86.5 72.1/89.3 86.7/85.9 92.7 70.1 65.1 39.6",
         "MT-DNN paper, table 2: Liu et al. 2019, arXiv:1901.11504"),
    _row("Human baseline", 87.1,
         "66.4 97.8 86.3/80.8 92.7/92.6 59.5/80.4 92.0/92.8 91.2 93.6 95.9 –",
         "Nangia & Bowman 2019, arXiv:1905.10425"),
    _row("CBoW", 58.9,
         "0.0 80.0 81.5/73.4 61.2/58.7 51.4/79.1 56.0/56.4 72.1 54.1 65.1 9",
         _GLUE, versions=_V1),
    _row("BiLSTM+ELMo+Attn (multi-task)", 70.0,
         "33.6 90.4 84.4/78.0 74.2/72.3 63.1/84.3 74.1/74.5 79.8 58.9 65.1 22",
         _GLUE, versions=_V1),
)
# fmt: on
"""Test scores, by the official server: cells in the order of ``_SCORES``."""

_MFAC = "model card of M-FAC/bert-tiny-finetuned-qnli"

DEV_ROWS = (
    _dev(
        "BERT-Tiny, Adam", 77.85, _MFAC, "mean of five seeds, ± 0.15; batch 32, lr 1e-4, 5 epochs"
    ),
    _dev("BERT-Tiny, M-FAC", 81.17, _MFAC, "mean of five seeds, ± 0.43"),
    _dev("bert-base-cased", 90.66, "transformers' text-classification README"),
)
"""Accuracies on QNLI's dev split, which must not be ranked among test scores."""

PUBLISHED = (*TEST_ROWS, *DEV_ROWS)
