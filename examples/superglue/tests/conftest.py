"""Small made-up data in the form of the official download; only its test files are complete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TEST_ROWS = {
    "BoolQ": 3245, "CB": 250, "COPA": 500, "RTE": 3000, "WiC": 1400, "WSC": 146, "AX-b": 1104,
    "AX-g": 356,
}  # fmt: skip
ANSWERS = 9693
CB_LABELS = ("entailment", "contradiction", "neutral")
COLOURS = ("red", "blue", "grey")


def boolq(n: int) -> dict[str, Any]:
    return {
        "question": f"is door {n} {'open' if n % 2 else 'shut'} at night",
        "passage": f"Door {n} has {'green' if n % 2 else 'red'} paint.",
        "idx": n, "label": n % 2 == 1,
    }  # fmt: skip


def cb(n: int) -> dict[str, Any]:
    return {"premise": f"Box {n} is {COLOURS[n % 3]}.", "hypothesis": f"{COLOURS[n % 3]} box",
            "label": CB_LABELS[n % 3], "idx": n}  # fmt: skip


def copa(n: int) -> dict[str, Any]:
    wet, dry = f"The floor is wet {n % 4}.", f"The wall is dry {n % 3}."
    return {"premise": f"Cup {n} fell.", "choice1": (wet, dry)[n % 2], "choice2": (dry, wet)[n % 2],
            "question": ("cause", "effect")[n % 3 > 0], "label": n % 2, "idx": n}  # fmt: skip


def rte(n: int) -> dict[str, Any]:
    boat = ("Boat", "Ship", "Raft")[n % 7 % 3]
    return {"premise": f"{boat} {n} {('sank', 'sinks')[n % 2]}.",
            "hypothesis": f"{boat} {('sank', 'sails')[n % 2]}.",
            "label": ("entailment", "not_entailment")[n % 2], "idx": n}  # fmt: skip


def ax_b(n: int) -> dict[str, Any]:
    made = rte(n)
    return {"sentence1": made["premise"], "sentence2": made["hypothesis"], "label": made["label"],
            "idx": n, "logic": "Negation"}  # fmt: skip


def wic(n: int) -> dict[str, Any]:
    first, second = (
        f"The bank is {('old', 'steep')[n % 2]} {n}.",
        f"Banks {('lend', 'keep')[n % 2]} money.",
    )
    return {"word": "bank", "sentence1": first, "sentence2": second, "idx": n, "label": n % 2 == 0,
            "start1": 4, "end1": 8, "start2": 0, "end2": 5, "version": 1.1}  # fmt: skip


def wsc(n: int) -> dict[str, Any]:
    text = f"Mark told Pete many lies {n}, which {('he', 'she')[n % 2]} believed."
    target = {"span1_index": 0, "span1_text": "Mark", "span2_index": 7,
              "span2_text": ("he", "she")[n % 2]}  # fmt: skip
    return {"text": text, "target": target, "idx": n, "label": n % 2 == 0}


def multirc(n: int, answers: int) -> dict[str, Any]:
    """A passage with two questions; the official numbers go on from passage to passage."""
    questions, left = [], answers
    for place in (0, 1):
        count = left if place else (answers + 1) // 2
        left -= count
        given = [{"text": f"{('a boat', 'no boat')[k % 2]} {k}", "idx": 10 * n + 5 * place + k,
                  "label": 1 - k % 2} for k in range(count)]  # fmt: skip
        questions.append({"question": f"What did {n} see?", "answers": given, "idx": 2 * n + place})
    return {"idx": n, "version": 1.1, "passage": {"text": f"{('He', 'She')[n % 2]} saw it.",
            "questions": questions}}  # fmt: skip


FORMS = {"BoolQ": boolq, "CB": cb, "COPA": copa, "RTE": rte, "WiC": wic, "WSC": wsc}


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")


def unlabelled(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "label"}


@pytest.fixture(scope="session")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the download."""
    root = tmp_path_factory.mktemp("superglue")
    for title, form in FORMS.items():
        write(root / title / "train.jsonl", [form(n) for n in range(48)])
        write(root / title / "val.jsonl", [form(n) for n in range(100, 124)])
        test = [unlabelled(form(n)) for n in range(TEST_ROWS[title])]
        write(root / title / "test.jsonl", test)
    write(root / "AX-b" / "AX-b.jsonl", [ax_b(n) for n in range(TEST_ROWS["AX-b"])])
    write(root / "AX-g" / "AX-g.jsonl", [rte(n) for n in range(TEST_ROWS["AX-g"])])
    write(root / "MultiRC" / "train.jsonl", [multirc(n, 5) for n in range(8)])
    write(root / "MultiRC" / "val.jsonl", [multirc(n, 5) for n in range(8, 12)])
    passages = [multirc(n, 9) for n in range(ANSWERS // 9)]
    for passage in passages:
        for question in passage["passage"]["questions"]:
            question["answers"] = [unlabelled(answer) for answer in question["answers"]]
    write(root / "MultiRC" / "test.jsonl", passages)
    assert ANSWERS % 9 == 0
    return root
