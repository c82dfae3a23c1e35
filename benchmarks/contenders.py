"""What the benchmark of fine-tuning compares: this project's engine and Hugging Face's Trainer.

Both start from one folder with a checkpoint and train with the same recipe on the same rows. What
either of them imports is imported when it is made, so that a process that measures one of them
does not pay for the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.quiet import Quiet, as_chosen
from glueharness import Interrupted, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from glueharness import Evaluation, FloatArray, Progress, TaskSpec

LEARNING_RATE, WEIGHT_DECAY, MAX_LENGTH, SEED = 2e-5, 0.01, 512, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What each contender has to do.

    Attributes:
        task: The task.
        train: Training rows.
        dev: Rows to evaluate and to predict.
        checkpoint: Folder with the model to start from.
        batch_size: Rows a training step, and rows at once in the peer's evaluation.
        threads: Processor threads.
        warm_up: Training steps before the clock starts.
        steps: Training steps on the clock.
        clock: Tells the seconds.
    """

    task: TaskSpec
    train: Table
    dev: Table
    checkpoint: Path
    batch_size: int
    threads: int
    warm_up: int
    steps: int
    clock: Callable[[], float]


@dataclass(slots=True)
class Speeds:
    """What was measured in one round: rows a second, and the moment of the first step's end.

    Attributes:
        train: In training, from tokens.
        evaluate: In evaluation, from tokens to metrics.
        predict: In prediction, from texts to scores.
        first_step: ``time.time()`` at the end of the first training step.
    """

    train: float = 0.0
    evaluate: float = 0.0
    predict: float = 0.0
    first_step: float = 0.0


class Contender(Protocol):
    """Something that can fine-tune."""

    def run(self, work: Work) -> Speeds:
        """Train for ``work.warm_up + work.steps`` steps, evaluate and predict."""
        ...


@dataclass(frozen=True, slots=True)
class Ours:
    """This project's engine.

    Attributes:
        precision: As ``--precision``.
        engine: As ``--engine``.
        token_cache: As ``--token-cache``.
    """

    precision: str
    engine: str = "auto"
    token_cache: bool = False

    def run(self, work: Work) -> Speeds:
        """Train by the loop that ``glueharness run`` uses."""
        from glueharness_finetune import Checkpoint, FinetuneSettings
        from glueharness_finetune.encoder_model import EncoderModel

        settings = FinetuneSettings(
            epochs=1, batch_size=work.batch_size, learning_rate=LEARNING_RATE, warmup_ratio=0.0,
            weight_decay=WEIGHT_DECAY, max_length=MAX_LENGTH, precision=self.precision,
            engine=self.engine, threads=work.threads, token_cache=self.token_cache,
            checkpoint_minutes=0.0,
            identity_pooler=False,  # the peer keeps what the checkpoint holds
        )  # fmt: skip
        context = as_chosen(work.task, settings, SEED)
        model = EncoderModel(context, Checkpoint(name=str(work.checkpoint)))
        with tempfile.TemporaryDirectory() as folder:
            clock = _Clock(task=work.task, dev=work.dev, folder=Path(folder), work=work)
            with contextlib.suppress(Interrupted):
                model.fit(work.train, {"dev": work.dev}, clock)
        speeds = clock.speeds
        if clock.stop_after is None:
            # Another table of the same rows: those of dev have been scored already.
            rows = Table({name: work.dev[name] for name in work.dev.column_names})
            began = work.clock()
            model.predict(rows)
            speeds.predict = len(work.dev) / (work.clock() - began)
        return speeds


@dataclass(slots=True, kw_only=True)
class _Clock(Quiet):
    """The context of a run that looks at the clock when it is told of progress."""

    work: Work
    speeds: Speeds = field(default_factory=Speeds)
    _steps: int = 0
    _warm: float = 0.0
    _last: float = 0.0

    @property
    def stop_after(self) -> int | None:
        """Step after which to stop; None if the training rows end there anyway."""
        wanted = self.work.warm_up + self.work.steps
        return wanted if len(self.work.train) > wanted * self.work.batch_size else None

    def report(self, progress: Progress) -> None:
        if progress.phase != "train":
            return
        self._last, self._steps = self.work.clock(), progress.done
        if progress.done == 1:
            self.speeds.first_step = time.time()
        if progress.done == self.work.warm_up:
            self._warm = self._last
        if progress.done == self.work.warm_up + self.work.steps:
            rows = self.work.steps * self.work.batch_size
            self.speeds.train = rows / (self._last - self._warm)

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        found = Quiet.score(self, predictions)
        self.speeds.evaluate = len(self.work.dev) / (self.work.clock() - self._last)
        return found

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        last = self.stop_after
        yield lambda: last is not None and self._steps >= last


@dataclass(frozen=True, slots=True)
class Peer:
    """Hugging Face's Trainer.

    Attributes:
        tuned: Whether with rows grouped by length, bf16, and lengths padded to multiples of 8.
    """

    tuned: bool

    def run(self, work: Work) -> Speeds:
        """Train as the tutorials do: map, a padding collator, Trainer."""
        import torch
        from datasets import disable_progress_bars
        from transformers import (
            AutoModelForSequenceClassification,
            AutoTokenizer,
            DataCollatorWithPadding,
            Trainer,
            TrainingArguments,
        )
        from transformers.utils import logging as its_logging

        logging: Any = its_logging  # it leaves these two without annotations
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        disable_progress_bars()
        before = torch.get_num_threads()
        torch.set_num_threads(work.threads)
        torch.manual_seed(SEED)
        tokenizer = AutoTokenizer.from_pretrained(work.checkpoint)
        model = AutoModelForSequenceClassification.from_pretrained(
            work.checkpoint, num_labels=work.task.num_outputs
        )
        speeds = Speeds()
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder, max_steps=work.warm_up + work.steps,
                per_device_train_batch_size=work.batch_size,
                per_device_eval_batch_size=work.batch_size,
                learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY, seed=SEED, use_cpu=True,
                logging_strategy="no", save_strategy="no", report_to=[], disable_tqdm=True,
                **self._extras(),
            )  # fmt: skip
            trainer = Trainer(
                model=model,
                args=arguments,
                train_dataset=tokenised(work.train, work.task, tokenizer),
                eval_dataset=tokenised(work.dev, work.task, tokenizer),
                data_collator=DataCollatorWithPadding(
                    tokenizer, pad_to_multiple_of=8 if self.tuned else None
                ),
                compute_metrics=_accuracy,
                callbacks=[_watch(work, speeds)],
            )
            trainer.train()
            began = work.clock()
            trainer.evaluate()
            speeds.evaluate = len(work.dev) / (work.clock() - began)
            began = work.clock()
            trainer.predict(tokenised(work.dev, work.task, tokenizer))
            speeds.predict = len(work.dev) / (work.clock() - began)
        torch.set_num_threads(before)
        return speeds

    def _extras(self) -> dict[str, Any]:
        """What the tuned one sets besides."""
        if not self.tuned:
            return {}
        return {"train_sampling_strategy": "group_by_length", "bf16": True}


def tokenised(table: Table, task: TaskSpec, tokenizer: Any, max_length: int = MAX_LENGTH) -> Any:
    """The rows as a ``datasets.Dataset`` of token ids and label numbers, as the tutorials do it."""
    from datasets import Dataset

    numbers = {label: number for number, label in enumerate(task.labels)}
    columns: dict[str, list[Any]] = {name: list(table[name]) for name in task.columns}
    columns["label"] = [numbers[name] for name in table["label"]]

    def encode(rows: dict[str, list[str]]) -> Any:
        texts = [rows[name] for name in task.columns]
        return tokenizer(*texts, truncation=True, max_length=max_length)

    return Dataset.from_dict(columns).map(encode, batched=True, remove_columns=list(task.columns))


def _accuracy(found: Any) -> dict[str, float]:
    return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}


def _watch(work: Work, speeds: Speeds) -> Any:
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        """Looks at the clock after the steps that matter."""

        warm = 0.0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if state.global_step == 1:
                speeds.first_step = time.time()
            if state.global_step == work.warm_up:
                self.warm = work.clock()
            if state.global_step == work.warm_up + work.steps:
                rows = work.steps * work.batch_size
                speeds.train = rows / (work.clock() - self.warm)

    return Watch()


CONTENDERS: dict[str, Contender] = {
    "HF Trainer": Peer(tuned=False),
    "HF Trainer, tuned": Peer(tuned=True),
    "glueharness, fp32": Ours("fp32"),
    "glueharness, auto": Ours("auto"),
    "glueharness, torch, fp32": Ours("fp32", engine="torch"),
    "glueharness, torch, auto": Ours("auto", engine="torch"),
}


def prepare_tiny(folder: Path, train: Table, task: TaskSpec) -> None:
    """Write BERT-tiny with fresh weights: its sizes, and a vocabulary learnt from the texts."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    torch.manual_seed(SEED)
    texts = (text for column in task.columns for text in train[column])
    learn_vocabulary(texts, 30522).save_pretrained(str(folder))
    config = BertConfig(
        vocab_size=30522, hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=512,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)


def fewer_rows(work: Work, count: int) -> Work:
    """The same work with the first ``count`` training rows."""
    columns = {name: list(work.train[name])[:count] for name in work.train.column_names}
    return dataclasses.replace(work, train=Table(columns))
