"""A pair task with a rule that a small encoder learns in seconds, and checkpoints to begin with."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness import (
    ACCURACY,
    ModelContext,
    SplitSpec,
    Table,
    TaskSpec,
)
from glueharness.scoring.scorer import Scorer
from glueharness_finetune import FinetuneSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import torch

    from glueharness import Evaluation, FloatArray, Progress
    from glueharness_finetune.model import FinetunedEncoder

COLOURS = ("red", "green", "blue", "white", "black", "yellow", "brown", "grey")
LABELS = ("entailment", "not_entailment")


def colour_rows(count: int, seed: int = 0) -> Table:
    """Is the colour that the sentence names a warm one? The first half of them is; of few rows,
    one in twenty is labelled wrongly, so that no epoch is perfect.
    """  # noqa: D205 - one sentence
    draw = random.Random(seed)
    rows: dict[str, list[Any]] = {"index": [], "question": [], "sentence": [], "label": []}
    for number in range(count):
        told = draw.choice(COLOURS)
        warm = (told in COLOURS[:4]) != (draw.random() < 0.05)
        padding = " ".join("very" for _ in range(draw.randrange(12)))
        rows["index"].append(number)
        rows["question"].append(f"is the {draw.choice(('house', 'door', 'sky'))} warm ?")
        rows["sentence"].append(f"it is {padding} {told} .")
        rows["label"].append(LABELS[0 if warm else 1])
    return Table(rows)


def colour_task(**changes: Any) -> TaskSpec:
    """The task of these rows."""
    facts: dict[str, Any] = {
        "name": "colours",
        "title": "Colours",
        "description": "Is it that colour?",
        "columns": ("question", "sentence"),
        "labels": LABELS,
        "splits": (SplitSpec(name="train", role="train"), SplitSpec(name="dev", role="dev")),
        "metrics": (ACCURACY,),
    }
    return TaskSpec(**{**facts, **changes})


@dataclass
class Listener:
    """A run's context that keeps what it is told."""

    folder: Path
    task: TaskSpec
    dev: Mapping[str, Table]
    resume: bool = False
    epochs: list[tuple[int, Evaluation, dict[str, float]]] = field(default_factory=list)
    reports: list[Progress] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    adjusted: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    on_report: Callable[[Progress], None] | None = None
    asked: bool = False

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        return Scorer(self.task, self.dev).evaluate(predictions)

    def report(self, progress: Progress) -> None:
        self.reports.append(progress)
        if self.on_report is not None:
            self.on_report(progress)

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        self.epochs.append((epoch, evaluation, dict(values)))

    def note(self, name: str, value: Any) -> None:
        self.notes[name] = value

    def adjust(self, name: str, value: Any, origin: str) -> None:
        self.adjusted[name] = (value, origin)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    @contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        yield lambda: self.asked


def listen(folder: Path, task: TaskSpec, dev: Mapping[str, Table], **facts: Any) -> Listener:
    """A context whose checkpoint folder exists."""
    folder.mkdir(parents=True, exist_ok=True)
    return Listener(folder, task, dev, **facts)


def model_context(task: TaskSpec, seed: int = 1, **settings: Any) -> ModelContext:
    """A context with settings that suit a small encoder; everything counts as the user's choice."""
    chosen = {"precision": "fp32", "threads": 1, "learning_rate": 3e-3, "epochs": 2, **settings}
    return ModelContext(
        task=task,
        settings=FinetuneSettings(**chosen),
        seed=seed,
        origins=dict.fromkeys(chosen, "command line"),
    )


def fit_until(
    folder: Path, checkpoint: Path, settings: Mapping[str, Any], *, rows: int = 160, stop: int = 0
) -> tuple[FinetunedEncoder, Listener]:
    """A trained encoder, from its checkpoint in ``folder`` if there is one.

    Args:
        folder: Where it trains.
        checkpoint: What it begins with.
        settings: Its settings.
        rows: How many rows it learns from.
        stop: The step after which it is asked to stop; 0 for none.
    """
    from glueharness_finetune import Checkpoint
    from glueharness_finetune.model import FinetunedEncoder

    task, dev = colour_task(), {"dev": colour_rows(40, 2)}
    context = listen(folder, task, dev, resume=True)

    def halt(progress: Progress) -> None:
        context.asked |= bool(stop) and progress.phase == "train" and progress.done == stop

    context.on_report = halt
    model = FinetunedEncoder(model_context(task, **settings), Checkpoint(name=str(checkpoint)))
    model.fit(colour_rows(rows, 1), dev, context)
    return model, context


def weights_of(model: FinetunedEncoder) -> dict[str, torch.Tensor]:
    """Copies of a trained encoder's parameters."""
    assert model._classifier is not None
    return {n: p.detach().clone() for n, p in model._classifier.model.named_parameters()}


def write_checkpoint(folder: Path, *, labels: tuple[str, ...] = (), **sizes: Any) -> Path:
    """A small BERT with random weights, as one would find it in a folder.

    Args:
        folder: Where to write it.
        labels: Names of its outputs, for one that was trained on a task; none: encoder only.
        sizes: Changes to its configuration.
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    rows = colour_rows(200)
    tokenizer = learn_vocabulary([*rows["question"], *rows["sentence"]], 200)
    torch.manual_seed(5)
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "initializer_range": 0.1,
        **sizes,
    }
    config = BertConfig(**shape)
    model: Any
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
        model = BertForSequenceClassification(config)
    else:
        model = BertModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(str(folder))
    return folder
