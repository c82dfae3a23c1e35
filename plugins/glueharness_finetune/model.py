"""``FinetunedEncoder``: the model of every encoder, from resolving its checkpoint to saving it."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import LABEL_COLUMN, Fingerprint, ModelError
from glueharness import Progress as Report
from glueharness.settings.fields import result_settings
from glueharness_finetune.engine_choice import TORCH, warn_of_change
from glueharness_finetune.predictor import Predictor
from glueharness_finetune.pretrained import load as loading
from glueharness_finetune.pretrained.auto_class import outputs_of, texts_of
from glueharness_finetune.pretrained.finetuned import load_finetuned
from glueharness_finetune.pretrained.tokenizer import check_known
from glueharness_finetune.pretrained.trial import Trial
from glueharness_finetune.pretrained.trial_runtime import set_going
from glueharness_finetune.recipes import Recipes
from glueharness_finetune.runtime import choose_runtime
from glueharness_finetune.start import find_start, hash_of_files
from glueharness_finetune.tokens.cache import TokenCache
from glueharness_finetune.tokens.tokenize import Encoder
from glueharness_finetune.training.checkpoint import CheckpointFolder, Progress, Saved
from glueharness_finetune.training.checksums import size_of
from glueharness_finetune.training.loop import Training, restore, run_training
from glueharness_finetune.training.loss import make_loss
from glueharness_finetune.training.optimiser import make_optimiser
from glueharness_finetune.training.schedule import learning_rates
from glueharness_finetune.training.torch_trainee import TorchTrainee
from glueharness_finetune.training.weights import weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch

    from glueharness import FitContext, FloatArray, ModelContext, Notes, Split
    from glueharness_finetune.pretrained.find import Checkpoint
    from glueharness_finetune.pretrained.load import Classifier
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.start import Start
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.lora import Lora

_START = "start.json"


class FinetunedEncoder:
    """An encoder with a classification head, fine-tuned whole.

    Args:
        context: Task, settings and seed.
        checkpoint: The pretrained encoder. It is looked for when training begins: a trained model
            that is loaded does not need it.
        start: What training starts from, if that has been looked up.
        reason: Why PyTorch computes it, and no other engine.
    """

    def __init__(
        self,
        context: ModelContext,
        checkpoint: Checkpoint,
        start: Start | None = None,
        reason: str = "",
    ) -> None:
        self.task = context.task
        self.seed = context.seed
        self.checkpoint = checkpoint
        self._context = context
        self._recipes = Recipes(context)
        self._start = start
        self._facts: Mapping[str, Any] = {}
        self._engine: dict[str, Any] = {}
        self._scored: list[tuple[Split, FloatArray]] = []
        self._encoding: dict[str, float] = {}
        self._reason = reason
        self._classifier: Classifier | None = None
        self._lora: Lora | None = None
        self._predictor: Predictor | None = None
        self._encoder: Encoder | None = None
        self._loaded = ""  # what identifies weights that are only to be evaluated

    @property
    def settings(self) -> FinetuneSettings:
        """The settings as they stand: from :meth:`fit` on with what recipes changed."""
        return self._recipes.settings

    def fingerprint(self) -> Fingerprint:
        """Weights, recipes and runtime that the result follows from.

        Only the trial at the beginning of :meth:`fit` shows whether the runtime works.
        """
        weights, changed = self._loaded, dict[str, Any]()
        if not weights:
            start = self._find_start()
            weights, changed = start.weights, start.changed(self._context.settings)
        if self._predictor is not None:
            runtime = self._predictor.runtime
        else:
            runtime = choose_runtime(self._find_start().settings)
        return Fingerprint(
            weights=weights,
            settings=changed,
            engine=TORCH,
            device=runtime.device.type,
            precision=runtime.precision,
            packages=("torch", "transformers", *(("peft",) if self.settings.lora_rank else ())),
        )

    def _find_start(self) -> Start:
        """What training starts from; looked up once."""
        if self._start is None:
            self._start = find_start(self.checkpoint, self._context)
        return self._start

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Resolve the checkpoint, encode, train, and end with the epoch to keep."""
        import torch

        torch.manual_seed(self.seed)
        checkpoints = CheckpointFolder(context.folder, context.warn)
        saved = self._saved(checkpoints, train, context) if context.resume else None
        if saved is None:
            classifier = self._begin(train, context)
        else:
            classifier = loading.make_empty(checkpoints.start, self.task, self.settings)
        if self.settings.lora_rank is not None:
            from glueharness_finetune.training.lora import Lora

            self._lora = Lora(classifier, self.settings, self.checkpoint.name)
            context.note("lora", self._lora.facts)
        for message in self._use(classifier, self.checkpoint.name, train=True):
            context.warn(message)
        assert self._predictor is not None  # noqa: S101 - for the type checker
        with self._predictor.runtime.threading():
            self._note_runtime(context)
            rates = learning_rates(self.settings, len(train))
            encoded = self._encode(train, "train", context)
            if message := check_known(encoded, classifier.tokenizer, self.checkpoint.name):
                context.warn(message)
            optimiser = make_optimiser(classifier.model, self.settings, rates)
            targets = self._targets(train)
            trainee = TorchTrainee(
                predictor=self._predictor,
                optimiser=optimiser,
                train=encoded,
                targets=targets,
                loss=make_loss(self.settings, self.task, targets),
                settings=self.settings,
                seed=self.seed,
                context=context,
                lora=self._lora,
            )
            training = Training(
                trainee=trainee,
                settings=self.settings,
                seed=self.seed,
                train=encoded,
                dev={name: self._encode(split, name, context) for name, split in dev.items()},
                rates=rates,
                checkpoints=checkpoints,
                context=context,
                progress=Progress(plan=self._plan(len(train))),
                multiple=self._predictor.padding.multiple,
            )
            if saved is not None:
                restore(training, saved)
            else:
                checkpoints.require_space(5 * size_of(weights_of(classifier.model)))
                checkpoints.write_start(self._write_start)
            self._engine["lazy_embedding"] = optimiser.lazy
            self._engine["layerwise_lr_decay"] = optimiser.layerwise
            told = {"name": TORCH, "reason": self._reason, **self._engine}
            context.note("engine", told)
            run_training(training)
            if self._predictor.runtime.on_gpu:
                context.note("peak_gpu_memory_bytes", torch.cuda.max_memory_allocated())
        # The same weights need not score the same rows again.
        self._scored = [(dev[name], scores) for name, scores in training.kept_scores.items()]

    def predict(self, split: Split) -> FloatArray:
        """Scores of every row: ``[n, k]`` in the order of the task's labels, ``[n]`` for scores.

        Raises:
            ModelError: The model is neither trained nor loaded.
        """
        if self._predictor is None or self._encoder is None:
            raise ModelError("the model is not trained yet")
        for scored, scores in self._scored:
            if scored is split:
                return scores
        with self._predictor.runtime.threading():
            return self._predictor.scores(self._encoder.encode(split))

    def save(self, folder: Path) -> None:
        """Write a checkpoint that ``pipeline("text-classification", model=folder)`` takes.

        For multiple choice, one that ``AutoModelForMultipleChoice.from_pretrained(folder)`` takes.
        """
        if self._classifier is None:
            raise ModelError("the model is not trained yet")
        loading.save(self._classifier, folder)
        if self._lora is not None:
            self._lora.save(folder / "adapter")

    def load(self, folder: Path) -> None:
        """Become the model that was saved in ``folder``.

        Raises:
            ModelError: It is damaged, not in safetensors, or of another task.
        """
        classifier = loading.load_saved(folder, self.task, self.settings)
        names = loading.label_names(classifier.model.config)
        named = [names[number] for number in sorted(names)]
        unnamed = self.task.regression or self.task.choices
        if not unnamed and named != list(self.task.labels):
            raise ModelError(
                f"the model's labels are {', '.join(named)}; those of {self.task.name} are "
                f"{', '.join(self.task.labels)}",
                where=str(folder),
            )
        self._use(classifier, str(folder), train=False)
        self._loaded = hash_of_files(folder)

    def load_finetuned(self, notes: Notes) -> None:
        """Take the checkpoint with the head that it has.

        Raises:
            ModelError: It could not be found, has no head, or one for other labels.
        """
        start = self._find_start()
        classifier = load_finetuned(start.found, self.checkpoint, self.task, self.settings)
        for message in (
            start.found.warning,
            *classifier.warnings,
            *self._use(classifier, self.checkpoint.name, train=False),
        ):
            if message:
                notes.warn(message)
        self._loaded = start.weights
        facts = {"name": self.checkpoint.name, "how": start.found.how, **classifier.facts}
        notes.note("checkpoint", {**facts, "revision": start.found.commit})
        self._note_runtime(notes)

    def _begin(self, train: Split, context: FitContext) -> Classifier:
        """The classifier to start with, and everything worth knowing of it in the record."""
        start = self._find_start()
        found = start.found
        self._recipes.repeat(start.recipes, context)
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
            classifier = loading.load_pretrained(
                found.folder, self.task, self.settings, self.checkpoint
            )
        else:
            assert self.checkpoint.fresh is not None  # noqa: S101 - as find_checkpoint promises
            facts["tried"] = dict(found.tried)
            reasons = "; ".join(f"{place}: {reason}" for place, reason in found.tried)
            context.warn(
                f"The pretrained weights of {self.checkpoint.name} could not be found ({reasons}). "
                "Training starts from FRESH WEIGHTS with a vocabulary made from the training "
                "texts: scores say little about the pretrained model."
            )
            texts = (text for column in self.task.columns for text in train[column])
            classifier = loading.make_fresh(self.checkpoint.fresh, texts, self.task, self.settings)
        for message in classifier.warnings:
            context.warn(message)
        self._facts = {**facts, **classifier.facts}
        context.note("checkpoint", self._facts)
        return classifier

    def _saved(
        self, checkpoints: CheckpointFolder, train: Split, context: FitContext
    ) -> Saved | None:
        """The newest whole checkpoint of an interrupted run, and the settings that it had."""
        if not checkpoints.start_is_whole():
            return None
        start = json.loads((checkpoints.start / _START).read_text(encoding="utf-8"))
        warn_of_change(start, TORCH, context)
        self._recipes.repeat(start["recipes"], context)
        saved = checkpoints.load(self._plan(len(train)))
        if saved is None:
            return None
        self._facts = start["facts"]
        context.note("checkpoint", self._facts)
        return saved

    def _write_start(self, folder: Path) -> None:
        assert self._classifier is not None  # noqa: S101 - called by fit
        loading.save_frame(self._classifier, folder)
        start = {"recipes": self._recipes.applied(), "facts": self._facts, "engine": TORCH}
        (folder / _START).write_text(json.dumps(start), encoding="utf-8")

    def _use(self, classifier: Classifier, where: str, *, train: bool) -> Sequence[str]:
        """Take a classifier, once it is tried; returns what the user should know of it."""
        tokenizer, model, texts = classifier.tokenizer, classifier.model, texts_of(self.task)
        trial = Trial(
            model=model,
            tokenizer=tokenizer,
            columns=("text", "other")[: texts.parts],
            outputs=outputs_of(self.task),
            where=where,
        )
        with choose_runtime(self.settings).threading():
            form = trial.find_form(self.settings)
            runtime, self._engine = set_going(trial, form, self.settings, train=train)
        self._classifier, self._scored = classifier, []
        cache = TokenCache() if self.settings.token_cache else None
        self._encoder = Encoder(tokenizer, texts, form.max_length, cache, form.rows)
        self._predictor = Predictor(
            model=model,
            outputs=outputs_of(self.task),
            padding=form.padding,
            runtime=runtime,
            tokens=self.settings.evaluation_tokens,
        )
        return form.warnings

    def _note_runtime(self, context: Notes) -> None:
        assert self._predictor is not None  # noqa: S101 - called when there is a model
        assert self._encoder is not None  # noqa: S101
        runtime = self._predictor.runtime
        context.note("device", str(runtime.device))
        context.note("precision", runtime.precision)
        context.note("threads", runtime.threads)
        context.note("max_length", self._encoder.max_length)
        context.note("parameters", self._predictor.model.num_parameters())

    def _encode(self, split: Split, name: str, context: FitContext) -> Encoded:
        assert self._encoder is not None  # noqa: S101 - called by fit

        def advance(done: int) -> None:
            context.report(Report(phase=f"encode {name}", done=done, total=len(split), unit="rows"))

        began = time.monotonic()
        encoded = self._encoder.encode(split, advance)
        self._encoding[name] = round(time.monotonic() - began, 3)
        context.note("seconds_of_encoding", self._encoding)
        return encoded

    def _targets(self, train: Split) -> torch.Tensor:
        import torch

        if self.task.regression:
            return torch.from_numpy(np.asarray(train[LABEL_COLUMN], dtype=np.float32))
        numbers = {label: number for number, label in enumerate(self.task.labels)}
        return torch.tensor([numbers[label] for label in train[LABEL_COLUMN]], dtype=torch.int64)

    def _plan(self, rows: int) -> str:
        """A hash of what the steps depend on."""
        runtime = choose_runtime(self.settings)
        computed = [runtime.device.type, runtime.precision]
        facts = [self.seed, rows, self.task.name, result_settings(self.settings), computed]
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]
