"""Task files, and made-up data in the forms of the official downloads that they describe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    Row = dict[str, Any]


def facts_of(title: str, **facts: Any) -> str:
    """The top of a task file, with the metric accuracy unless ``facts`` say otherwise."""
    every = {"title": title, **facts}
    every.setdefault("metrics", ["accuracy"])
    every.setdefault("licence", "CC0-1.0")
    order = ("name", "title", "description", "columns", "choices", "labels", "metrics", "unit")
    names = [*(name for name in order if name in every), *(n for n in every if n not in order)]
    return "".join(f"{name} = {json.dumps(every[name])}\n" for name in names)


def _official(source: str, title: str, **facts: Any) -> str:
    """A task in the form of an official download of JSON Lines."""
    files = 'train = "train.jsonl"\ndev = "val.jsonl"\ntest = "test.jsonl"\n'
    top = facts_of(title, **facts)
    return f'{top}\n[source]\nkind = "jsonl"\n{source.strip()}\n\n[splits]\n{files}'


BOOLQ = _official(
    'folder = "BoolQ"',
    "BoolQ",
    name="boolq",
    description="Does the passage answer the question with yes?",
    columns=["question", "passage"],
    labels=["false", "true"],
    licence="CC-BY-SA-3.0",
)
CB = _official(
    'below_data_dir = "CB"',
    "CB",
    name="cb",
    description="Does the text commit its speaker to the hypothesis?",
    columns=["premise", "hypothesis"],
    labels=["entailment", "contradiction", "neutral"],
    metrics=["accuracy", "macro_f1"],
)
WIC = _official(
    """
folder = "WiC"
columns = { first = "{word}: {sentence1}", second = "{sentence2}" }
labels = { false = "different", true = "same" }
""",
    "WiC",
    name="wic",
    description="Does the word mean the same in both sentences?",
    columns=["first", "second"],
    labels=["different", "same"],
    licence="CC-BY-NC-4.0",
)
_QUESTION = 'premise = "{premise} What was the {question}?"'
COPA = _official(
    f"""
folder = "COPA"
columns = {{ {_QUESTION} }}
labels = {{ 0 = "choice1", 1 = "choice2" }}
""",
    "COPA",
    name="copa",
    description="Which is the cause or the effect of the premise?",
    columns=["premise", "choice1", "choice2"],
    choices=["choice1", "choice2"],
)
PAIRS = _official(
    f"""
folder = "COPA"
[[source.rows]]
columns = {{ {_QUESTION}, choice = "choice1" }}
labels = {{ 0 = "right", 1 = "wrong" }}
[[source.rows]]
columns = {{ {_QUESTION}, choice = "choice2" }}
labels = {{ 0 = "wrong", 1 = "right" }}
""",
    "COPA, as pairs",
    name="pairs",
    description="Is this the cause or the effect of the premise?",
    columns=["premise", "choice"],
    labels=["wrong", "right"],
    metrics=["accuracy", "exact_match"],
    unit="idx",
)
OWN = """
title = "Mood"
description = "Is the customer happy?"
columns = ["text"]
labels = ["unhappy", "happy"]
metrics = ["f1", "accuracy", "matthews_correlation"]
licence = "CC0-1.0"

[source]
kind = "csv"
delimiter = ";"
columns = { text = "What they wrote", label = "mood" }
labels = { ":(" = "unhappy", ":)" = "happy" }

[splits]
train = "train.csv"
dev = "dev.csv"
"""
SIMILAR = """
name = "similar"
title = "Similar"
description = "How similar are the texts?"
columns = ["first", "second"]
score_range = [0, 5]
metrics = ["pearson", "spearman"]
licence = "CC0-1.0"

[source]
kind = "parquet"
columns = { label = "score" }

[splits]
train = { file = "train.parquet", rows = 40 }
check = { file = "dev.parquet", role = "dev" }
"""
TASKS = {
    "boolq": BOOLQ, "cb": CB, "wic": WIC, "copa": COPA, "pairs": PAIRS, "own": OWN,
    "similar": SIMILAR,
}  # fmt: skip
"""Name of a task to its file."""


def write_task(name: str, folder: Path) -> Path:
    """Write a task's file and its data; returns the file."""
    path = folder / f"{name}.toml"
    path.write_text(TASKS[name].lstrip(), encoding="utf-8")
    _WRITERS[name](folder)
    return path


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON Lines file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _splits(folder: Path, row: Any, label: str = "label") -> None:
    """Train, val and test, whose rows have no label; ``row`` makes one of a number."""
    for split, start, count in (("train", 0, 40), ("val", 40, 16), ("test", 60, 8)):
        rows: list[Row] = [row(number) for number in range(start, start + count)]
        if split == "test":
            rows = [{name: value for name, value in made.items() if name != label} for made in rows]
        write_lines(folder / f"{split}.jsonl", rows)


def _boolq(folder: Path) -> None:
    _splits(
        folder / "BoolQ",
        lambda n: {
            "question": f"is door {n} {'open' if n % 2 else 'shut'} at night",
            "passage": f"Door {n} has {'green' if n % 2 else 'red'} paint.",
            "idx": n, "label": n % 2 == 1,
        },
    )  # fmt: skip


def _cb(folder: Path) -> None:
    names, colours = ("entailment", "contradiction", "neutral"), ("red", "blue", "grey")
    _splits(
        folder / "CB",
        lambda n: {
            "premise": f"Box {n} is {colours[n % 3]}.", "hypothesis": f"{colours[n % 3]} box {n}",
            "label": names[n % 3], "idx": n,
        },
    )  # fmt: skip


def _wic(folder: Path) -> None:
    _splits(
        folder / "WiC",
        lambda n: {
            "word": f"w{n % 5}", "sentence1": f"The w{n % 5} is {('old', 'new')[n % 2]} {n}.",
            "sentence2": f"A w{n % 5} stays {('apart', 'alike')[n % 2]} {n}.", "idx": n,
            "label": n % 2 == 1, "start1": 4, "start2": 2, "end1": 6, "end2": 4, "version": 1.1,
        },
    )  # fmt: skip


_COPA = ("wet floor", "dry wall and roof")


def _copa(folder: Path) -> None:
    _splits(
        folder / "COPA",
        lambda n: {
            "premise": f"{('Cup', 'Vase', 'Pan')[n % 7 % 3]} {n} fell.",
            "choice1": f"{_COPA[n % 2]} {n}",
            "choice2": f"{_COPA[1 - n % 2]} {n + n % 3}",
            "question": ("cause", "effect")[n % 3 > 0],
            "label": n % 2, "idx": n,
        },
    )  # fmt: skip


def _own(folder: Path) -> None:
    for split, count in (("train", 40), ("dev", 16)):
        lines = [f'{n};"a ""{("bad", "good")[n % 2]}"" day; {n}";{(":(", ":)")[n % 2]}'
                 for n in range(count)]  # fmt: skip
        text = "id;What they wrote;mood\n" + "\n".join(lines) + "\n"
        (folder / f"{split}.csv").write_text(text, encoding="utf-8")


def _similar(folder: Path) -> None:
    for split, count in (("train", 40), ("dev", 16)):
        rows = [{"first": f"a b {n}", "second": f"{('a b', 'x y')[n % 2]} {n}",
                 "score": 4.5 if n % 2 == 0 else 0.5 + n % 3} for n in range(count)]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")


_WRITERS: Mapping[str, Any] = {
    "boolq": _boolq, "cb": _cb, "wic": _wic, "copa": _copa, "pairs": _copa, "own": _own,
    "similar": _similar,
}  # fmt: skip
