"""A task of multiple choice: which thing has the colour that the context asks for?"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from glueharness import ACCURACY, SplitSpec, Table, TaskSpec
from tests.finetune_tools import COLOURS

if TYPE_CHECKING:
    from pathlib import Path

CHOICES = ("choice1", "choice2", "choice3")


def choice_task(*, begun: bool = False, **changes: Any) -> TaskSpec:
    """The task; its sentences may be begun already, as SWAG's are."""
    context = ("question", "begun") if begun else ("question",)
    facts: dict[str, Any] = {
        "name": "things",
        "title": "Things",
        "description": "Which thing has the colour?",
        "columns": (*context, *CHOICES),
        "choices": CHOICES,
        "labels": ("first", "second", "third"),
        "splits": (SplitSpec(name="train", role="train"), SplitSpec(name="dev", role="dev")),
        "metrics": (ACCURACY,),
    }
    return TaskSpec(**{**facts, **changes})


def choice_rows(count: int, seed: int = 0) -> Table:
    """The right choice names the colour of the question; texts are of several lengths."""
    draw = random.Random(seed)
    rows: dict[str, list[Any]] = {name: [] for name in ("index", "question", "begun", *CHOICES)}
    rows["label"] = []
    for number in range(count):
        told = draw.sample(COLOURS, len(CHOICES))
        right = draw.randrange(len(CHOICES))
        rows["index"].append(number)
        rows["question"].append(f"is {'very ' * draw.randrange(5)}{told[right]} ?")
        rows["begun"].append(draw.choice(("it is the", "the")))
        for name, colour in zip(CHOICES, told, strict=True):
            rows[name].append(f"{'very ' * draw.randrange(6)}{colour} house .")
        rows["label"].append(("first", "second", "third")[right])
    return Table(rows)


def write_choice_checkpoint(model_type: str, folder: Path) -> Path:
    """A tiny checkpoint of an architecture for multiple choice, with random weights."""
    import torch
    from transformers import AutoModelForMultipleChoice

    from tests.tiny_checkpoints import configuration, tokenizer_for

    tokenizer = tokenizer_for(model_type)
    config = configuration(model_type, len(tokenizer), int(tokenizer.pad_token_id or 0))
    torch.manual_seed(3)
    from_config: Any = AutoModelForMultipleChoice.from_config
    from_config(config).float().save_pretrained(folder)
    tokenizer.save_pretrained(str(folder))
    return folder
