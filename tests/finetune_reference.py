"""Fine-tuning as the textbook has it, from the parts of transformers and PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_scheduler

from glueharness_finetune.tokens.batches import plan_epoch
from tests.finetune_tools import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from glueharness import Table
    from glueharness_finetune import FinetuneSettings

_BELOW = {"bert.embeddings": 3, "bert.encoder.layer.0": 2, "bert.encoder.layer.1": 1}


@dataclass
class Reference:
    """A small BERT without dropout, trained by a loop that is written to be obviously right.

    Attributes:
        checkpoint: What it starts from.
        train: The rows.
        settings: How it learns.
        seed: Seed of the order of rows.
        optimiser: Makes the optimizer of parameter groups.
        loss: Mean loss of logits ``[b, k]`` and labels ``[b]``.
        losses: Each step's loss, once it ran.
        rates: Each step's learning rate of the head, once it ran.
    """

    checkpoint: Path
    train: Table
    settings: FinetuneSettings
    seed: int
    optimiser: Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = torch.nn.functional.cross_entropy
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def run(self, steps: int, warmup: int) -> Any:
        """Train for so many steps; returns the model."""
        from_folder: Any = AutoModelForSequenceClassification.from_pretrained
        model = from_folder(self.checkpoint)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        model = self.adapted(model)
        optimiser = self.optimiser(self._groups(model))
        schedule: Any = get_scheduler(
            self.settings.lr_scheduler_type, optimiser, num_warmup_steps=warmup,
            num_training_steps=steps,
        )  # fmt: skip
        batches = iter(self._batches())
        for _ in range(steps):
            inputs, labels = next(batches)
            loss = self.loss(model(**inputs).logits, labels)
            loss.backward()  # type: ignore[no-untyped-call] # PyTorch's own
            if self.settings.max_grad_norm:
                torch.nn.utils.clip_grad_norm_(model.parameters(), self.settings.max_grad_norm)
            self.rates.append(max(schedule.get_last_lr()))
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            self.losses.append(float(loss.detach()))
        return model

    def adapted(self, model: Any) -> Any:
        """The model as it is to be trained."""
        return model

    def _groups(self, model: Any) -> list[dict[str, Any]]:
        """A group for each parameter, with its rate and its decay."""
        groups = []
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            depth = next((_BELOW[part] for part in _BELOW if name.startswith(part)), 0)
            rate = self.settings.learning_rate * self.settings.layerwise_lr_decay**depth
            spared = name.endswith(("bias", "LayerNorm.weight"))
            decay = 0.0 if spared else self.settings.weight_decay
            groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
        return groups

    def _batches(self) -> Iterable[tuple[Any, torch.Tensor]]:
        tokenizer = AutoTokenizer.from_pretrained(self.checkpoint)
        texts = list(zip(self.train["question"], self.train["sentence"], strict=True))
        lengths = np.array([len(tokenizer(*pair)["input_ids"]) for pair in texts])
        epoch = 0
        while True:
            size = self.settings.rows_a_step
            for rows in plan_epoch(lengths, size, (self.seed, epoch), buckets=True):
                inputs = tokenizer([texts[row] for row in rows], padding=True, return_tensors="pt")
                yield (
                    inputs,
                    torch.tensor([LABELS.index(self.train["label"][row]) for row in rows]),
                )
            epoch += 1
