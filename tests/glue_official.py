"""Made-up rows in the form of the official files, quirk by quirk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness import TaskSpec

PARSES = [f"sentence{number}{kind}_parse" for kind in ("_binary", "") for number in (1, 2)]
MNLI_HEAD = ["index", "promptID", "pairID", "genre", *PARSES, "sentence1", "sentence2"]
STSB_HEAD = ["index", "genre", "filename", "year", "old_index", "source1", "source2"]
STSB_HEAD += ["sentence1", "sentence2", "score"]
HEADS: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("cola", "dev"): ("CoLA/dev.tsv", []),
    ("cola", "train"): ("CoLA/train.tsv", []),
    ("cola", "test"): ("CoLA/test.tsv", ["index", "sentence"]),
    ("sst2", "train"): ("SST-2/train.tsv", ["sentence", "label"]),
    ("sst2", "dev"): ("SST-2/dev.tsv", ["sentence", "label"]),
    ("sst2", "test"): ("SST-2/test.tsv", ["index", "sentence"]),
    ("mrpc", "train"): ("MRPC/train.tsv", ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"]),
    ("mrpc", "dev"): ("MRPC/dev.tsv", ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"]),
    ("mrpc", "test"): ("MRPC/test.tsv", ["index", "#1 ID", "#2 ID", "#1 String", "#2 String"]),
    ("stsb", "train"): ("STS-B/train.tsv", STSB_HEAD),
    ("stsb", "dev"): ("STS-B/dev.tsv", STSB_HEAD),
    ("stsb", "test"): ("STS-B/test.tsv", STSB_HEAD[:-1]),
    ("qqp", "train"): (
        "QQP/train.tsv",
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
    ),
    ("qqp", "dev"): (
        "QQP/dev.tsv",
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
    ),
    ("qqp", "test"): ("QQP/test.tsv", ["id", "question1", "question2"]),
    ("mnli", "train"): ("MNLI/train.tsv", [*MNLI_HEAD, "label1", "gold_label"]),
    ("mnli", "dev_matched"): (
        "MNLI/dev_matched.tsv",
        [*MNLI_HEAD, *(f"label{number}" for number in range(1, 6)), "gold_label"],
    ),
    ("mnli", "dev_mismatched"): (
        "MNLI/dev_mismatched.tsv",
        [*MNLI_HEAD, *(f"label{number}" for number in range(1, 6)), "gold_label"],
    ),
    ("mnli", "test_matched"): ("MNLI/test_matched.tsv", MNLI_HEAD),
    ("mnli", "test_mismatched"): ("MNLI/test_mismatched.tsv", MNLI_HEAD),
    ("qnli", "train"): ("QNLI/train.tsv", ["index", "question", "sentence", "label"]),
    ("qnli", "dev"): ("QNLI/dev.tsv", ["index", "question", "sentence", "label"]),
    ("qnli", "test"): ("QNLI/test.tsv", ["index", "question", "sentence"]),
    ("rte", "train"): ("RTE/train.tsv", ["index", "sentence1", "sentence2", "label"]),
    ("rte", "dev"): ("RTE/dev.tsv", ["index", "sentence1", "sentence2", "label"]),
    ("rte", "test"): ("RTE/test.tsv", ["index", "sentence1", "sentence2"]),
    ("wnli", "train"): ("WNLI/train.tsv", ["index", "sentence1", "sentence2", "label"]),
    ("wnli", "dev"): ("WNLI/dev.tsv", ["index", "sentence1", "sentence2", "label"]),
    ("wnli", "test"): ("WNLI/test.tsv", ["index", "sentence1", "sentence2"]),
    ("ax", "test"): ("AX/AX.tsv", ["index", "sentence1", "sentence2"]),
}
"""Task and split to file and header; no header stands for CoLA's four bare columns."""
NUMBERED = {"cola", "sst2", "mrpc", "qqp", "wnli"}


def write_official(
    folder: Path, task: TaskSpec, split: str, rows: Sequence[Mapping[str, Any]]
) -> Path:
    """Write the rows of a split as its official file."""
    name, head = HEADS[task.name, split]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(head)] if head else []
    lines += ["\t".join(_fields(task, head, number, row)) for number, row in enumerate(rows)]
    marked = task.name == "mrpc" and split != "test"
    unended = name in {"CoLA/dev.tsv", "AX/AX.tsv"}
    text = ("\ufeff" if marked else "") + "\n".join(lines) + ("" if unended else "\n")
    path.write_bytes(text.encode())
    return path


def _fields(task: TaskSpec, head: list[str], number: int, row: Mapping[str, Any]) -> list[str]:
    label = str(row.get("label"))
    if task.name in NUMBERED and row.get("label") is not None:
        label = str(task.labels.index(label))
    texts = [row[column] for column in task.columns]
    if task.name == "qqp":
        texts = [_wrapped(text) for text in texts]
    if not head:
        return ["gj04", label, "", texts[0]]
    known = {
        "index": str(number),
        "id": str(number),
        **dict.fromkeys(("label", "gold_label", "score", "Quality", "is_duplicate"), label),
        **dict(zip(("sentence1", "sentence2"), texts, strict=False)),
        **dict(zip(("#1 String", "#2 String"), texts, strict=False)),
        **dict(zip(task.columns, texts, strict=True)),
    }
    return [known.get(heading, "-") for heading in head]


def _wrapped(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if '"' in text else text
