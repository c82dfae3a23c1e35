"""``FineTuning``: what a fine-tuned encoder is besides what computes it.

PyTorch (``model.py``) and other plugins' engines (``engine_model.py``) each have one: it knows the
task, what training starts from, the recipes, the tokens, and what the record is told.

Shapes: n = rows, k = outputs.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from glueharness import LABEL_COLUMN, ModelError
from glueharness import Progress as Report
from glueharness.settings.fields import result_settings
from glueharness_finetune.checksums import size_of
from glueharness_finetune.engine_choice import warn_of_change
from glueharness_finetune.in_effect import settings_in_effect
from glueharness_finetune.pretrained.tokenizer import check_known
from glueharness_finetune.recipes import Recipes
from glueharness_finetune.start import find_start
from glueharness_finetune.tokens.cache import TokenCache
from glueharness_finetune.tokens.tokenize import Encoder
from glueharness_finetune.training.checkpoint import CheckpointFolder, Progress
from glueharness_finetune.training.loop import Training, restore, run_training
from glueharness_finetune.training.schedule import learning_rates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from glueharness import FitContext, FloatArray, ModelContext, Notes, Split
    from glueharness_finetune.pretrained.find import Checkpoint, Found, FreshStart
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.start import Start
    from glueharness_finetune.tokens.tokenize import Encoded, Texts
    from glueharness_finetune.training.checkpoint import Saved
    from glueharness_finetune.training.trainee import Trainee

_START = "start.json"


class Described(Protocol):
    """A classifier that tells what is to be known of it."""

    facts: dict[str, Any]
    warnings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a trainee is made of.

    Attributes:
        train: The training rows.
        targets: Label numbers, or scores for a regression: float32 ``[n]``.
        rates: Learning rate of each step.
    """

    train: Encoded
    targets: npt.NDArray[np.float32]
    rates: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainable:
    """A model that is ready to be trained.

    Attributes:
        tokenizer: Its tokenizer.
        make: Makes the trainee.
        save_frame: Writes everything but the weights into a folder.
        note: Tells the record what computes; called when the trainee is made.
        multiple: What lengths are rounded up to where rows are sorted by them.
    """

    tokenizer: Any
    make: Callable[[Material], Trainee]
    save_frame: Callable[[Path], None]
    note: Callable[[], None] = lambda: None
    multiple: int = 8


class FineTuning:
    """The task, the start and the tokens of an encoder, and its way through training.

    Args:
        context: Task, settings and seed.
        checkpoint: The pretrained encoder.
        engine: Name of what computes it.
        start: What training starts from, if that has been looked up.

    Attributes:
        loaded: What identifies weights that are only to be evaluated; empty for others.
    """

    def __init__(
        self, context: ModelContext, checkpoint: Checkpoint, engine: str, start: Start | None
    ) -> None:
        self.task, self.seed, self.checkpoint = context.task, context.seed, checkpoint
        self.context, self.engine = context, engine
        self.loaded = ""
        self._start = start
        self._recipes = Recipes(context)
        self._facts: Mapping[str, Any] = {}
        self._encoder: Encoder | None = None
        self._scored: list[tuple[Split, FloatArray]] = []
        self._encoding: dict[str, float] = {}

    @property
    def settings(self) -> FinetuneSettings:
        """The settings as they stand: with what recipes changed, once training has begun."""
        return self._recipes.settings

    @property
    def start(self) -> Start:
        """What training starts from; looked up once."""
        if self._start is None:
            self._start = find_start(self.checkpoint, self.context)
        return self._start

    def origin(self, device: str) -> tuple[str, dict[str, Any]]:
        """What identifies the weights, and the settings that have another value in effect.

        Args:
            device: Kind of device that computes.
        """
        if self.loaded and self._start is None:  # a run's model: what trained it is known
            return self.loaded, {}
        changed = settings_in_effect(self.start, self.context, device, self.engine)
        return self.loaded or self.start.weights, changed

    def begin(self, context: FitContext) -> Found:
        """Apply the recipes, and tell where the checkpoint is from and that weights are fresh."""
        found = self.start.found
        self._recipes.repeat(self.start.recipes, context)
        facts: dict[str, Any] = {
            "name": self.checkpoint.name,
            "how": found.how,
            "revision": found.commit,
            "fresh": found.folder is None,
        }
        if found.warning:
            context.warn(found.warning)
        if found.folder is not None:
            facts["folder"] = str(found.folder)
        else:
            facts["tried"] = dict(found.tried)
            reasons = "; ".join(f"{place}: {reason}" for place, reason in found.tried)
            context.warn(
                f"The pretrained weights of {self.checkpoint.name} could not be found ({reasons}). "
                "Training starts from FRESH WEIGHTS with a vocabulary made from the training "
                "texts: scores say little about the pretrained model."
            )
        self._facts = facts
        return found

    def fresh(self, train: Split) -> tuple[FreshStart, Iterable[str]]:
        """How to start without weights, and the texts that the vocabulary is learnt from."""
        start = self.checkpoint.fresh
        assert start is not None  # noqa: S101 - as find_checkpoint promises
        return start, (text for column in self.task.columns for text in train[column])

    def begun(self, classifier: Described, context: FitContext) -> None:
        """Tell what the classifier is that training begins with."""
        for message in classifier.warnings:
            context.warn(message)
        self._facts = {**self._facts, **classifier.facts}
        context.note("checkpoint", self._facts)

    def resumed(
        self, checkpoints: CheckpointFolder, context: FitContext, plan: Callable[[], str]
    ) -> Saved | None:
        """The newest whole checkpoint of an interrupted run, and the settings that it had."""
        if not context.resume or not checkpoints.start_is_whole():
            return None
        start = json.loads((checkpoints.start / _START).read_text(encoding="utf-8"))
        warn_of_change(start, self.engine, context)
        self._recipes.repeat(start["recipes"], context)
        saved = checkpoints.load(plan())
        if saved is None:
            return None
        self._facts = start["facts"]
        context.note("checkpoint", self._facts)
        return saved

    def tell_finetuned(self, classifier: Described, notes: Notes, more: Sequence[str] = ()) -> None:
        """Tell of a checkpoint that is evaluated with the head that it has."""
        found = self.start.found
        for message in filter(None, (found.warning, *classifier.warnings, *more)):
            notes.warn(message)
        facts = {"name": self.checkpoint.name, "how": found.how, "revision": found.commit}
        notes.note("checkpoint", {**facts, **classifier.facts})
        self.loaded = self.start.weights

    def check_labels(self, named: Mapping[int, str], folder: Path) -> None:
        """Refuse a model of another task.

        Raises:
            ModelError: Its labels are not the task's.
        """
        labels = [named[number] for number in sorted(named)]
        unnamed = self.task.regression or self.task.choices
        if not unnamed and labels != list(self.task.labels):
            raise ModelError(
                f"the model's labels are {', '.join(labels)}; those of {self.task.name} are "
                f"{', '.join(self.task.labels)}",
                where=str(folder),
            )

    def encode_by(
        self, tokenizer: Any, texts: Texts, longest: int, rows: int | None, *, train: bool
    ) -> None:
        """Take a tokenizer: inputs have at most ``longest`` tokens, ids are below ``rows``.

        Only training keeps tokens on disk, and finds them there. A model that only predicts is
        timed from texts to scores; and it hardly ever sees the same rows twice.
        """
        self._scored = []
        cache = self.cache if train else None
        self._encoder = Encoder(tokenizer, texts, longest, cache, rows)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is known of the checkpoint, also where its training is resumed."""
        return self._facts

    @property
    def cache(self) -> TokenCache | None:
        """Where tokens and vocabularies are kept; None if nowhere."""
        return TokenCache() if self.settings.token_cache else None

    @property
    def encoder(self) -> Encoder:
        """What encodes texts.

        Raises:
            ModelError: There is no model yet.
        """
        if self._encoder is None:
            raise ModelError("the model is not trained yet")
        return self._encoder

    def kept_scores(self, split: Split) -> FloatArray | None:
        """The scores of a split that the present weights have scored already."""
        return next((scores for scored, scores in self._scored if scored is split), None)

    def plan(self, rows: int, device: str, precision: str) -> str:
        """A hash of what the steps over that many rows depend on."""
        computed: list[Any] = [device, precision]
        if self.settings.devices > 1:  # which draw other random numbers each
            computed.append(self.settings.devices)
        facts = [self.seed, rows, self.task.name, result_settings(self.settings), computed]
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]

    def train(  # noqa: PLR0913 - what a training consists of
        self,
        trainable: Trainable,
        train: Split,
        dev: Mapping[str, Split],
        *,
        checkpoints: CheckpointFolder,
        saved: Saved | None,
        plan: str,
        context: FitContext,
    ) -> None:
        """Encode, train from the beginning or the checkpoint, and end with the epoch to keep."""
        rates = learning_rates(self.settings, len(train))
        encoded = self._encode(train, "train", context)
        if message := check_known(encoded, trainable.tokenizer, self.checkpoint.name):
            context.warn(message)
        material = Material(train=encoded, targets=self._targets(train), rates=rates)
        trainee = trainable.make(material)
        scored, tokenizing = self._encode_dev(dev, context)
        training = Training(
            trainee=trainee,
            settings=self.settings,
            seed=self.seed,
            train=encoded,
            dev=scored,
            tokenizing=tokenizing,
            rates=rates,
            checkpoints=checkpoints,
            context=context,
            progress=Progress(plan=plan),
            multiple=trainable.multiple,
        )
        if saved is not None:
            restore(training, saved)
        else:
            checkpoints.require_space(5 * size_of(trainee.weights()))
            checkpoints.write_start(lambda folder: self._write_start(trainable, folder))
        trainable.note()
        run_training(training)
        # The same weights need not score the same rows again.
        self._scored = [(dev[name], scores) for name, scores in training.kept_scores.items()]

    def _write_start(self, trainable: Trainable, folder: Path) -> None:
        trainable.save_frame(folder)
        start = {"recipes": self._recipes.applied(), "facts": self._facts, "engine": self.engine}
        (folder / _START).write_text(json.dumps(start), encoding="utf-8")

    def _encode_dev(
        self, dev: Mapping[str, Split], context: FitContext
    ) -> tuple[Mapping[str, Encoded], Mapping[str, float]]:
        """The tokens of the dev splits, and how many rows and seconds it took to make some."""
        encoded, rows, seconds = {}, 0, 0.0
        for name, split in dev.items():
            encoded[name] = self._encode(split, name, context)
            made, spent = self.encoder.pace(split)
            rows, seconds = rows + made, seconds + spent
        return encoded, {"rows_tokenized": rows, "seconds_of_tokenizing": round(seconds, 6)}

    def _encode(self, split: Split, name: str, context: FitContext) -> Encoded:
        def advance(done: int) -> None:
            context.report(Report(phase=f"encode {name}", done=done, total=len(split), unit="rows"))

        began = time.monotonic()
        encoded = self.encoder.encode(split, advance)
        self._encoding[name] = round(time.monotonic() - began, 3)
        context.note("seconds_of_encoding", self._encoding)
        return encoded

    def _targets(self, train: Split) -> npt.NDArray[np.float32]:
        if self.task.regression:
            return np.asarray(train[LABEL_COLUMN], dtype=np.float32)
        numbers = {label: number for number, label in enumerate(self.task.labels)}
        return np.array([numbers[label] for label in train[LABEL_COLUMN]], np.float32)
