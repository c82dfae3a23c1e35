"""``FinetunedEncoder``: an encoder that PyTorch computes, from its checkpoint to saving it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness import Fingerprint, ModelError
from glueharness_finetune.engine_choice import TORCH
from glueharness_finetune.fine_tuning import FineTuning, Trainable
from glueharness_finetune.parallel.demands import require_devices
from glueharness_finetune.parallel.starting import helpers
from glueharness_finetune.predictor import Predictor
from glueharness_finetune.pretrained import classifier as saving
from glueharness_finetune.pretrained import load as loading
from glueharness_finetune.pretrained.auto_class import outputs_of, texts_of
from glueharness_finetune.pretrained.finetuned import load_finetuned
from glueharness_finetune.pretrained.trial import Trial
from glueharness_finetune.pretrained.trial_runtime import set_going
from glueharness_finetune.runtime import choose_runtime
from glueharness_finetune.start import hash_of_files
from glueharness_finetune.training.checkpoint import CheckpointFolder
from glueharness_finetune.training.loss import make_loss
from glueharness_finetune.training.optimiser import make_optimiser
from glueharness_finetune.training.torch_trainee import TorchTrainee

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import torch

    from glueharness import FitContext, FloatArray, ModelContext, Notes, Split
    from glueharness_finetune.fine_tuning import Material
    from glueharness_finetune.parallel.world import World
    from glueharness_finetune.pretrained.classifier import Classifier
    from glueharness_finetune.pretrained.find import Checkpoint
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.start import Start
    from glueharness_finetune.training.lora import Lora
    from glueharness_finetune.training.trainee import Trainee


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
        self.task, self.seed, self.checkpoint = context.task, context.seed, checkpoint
        self._tuning = FineTuning(context, checkpoint, TORCH, start)
        self._reason = reason
        self._engine: dict[str, Any] = {}
        self._classifier: Classifier | None = None
        self._lora: Lora | None = None
        self._predictor: Predictor | None = None
        self._devices = context.settings.devices

    @property
    def settings(self) -> FinetuneSettings:
        """The settings as they stand: from :meth:`fit` on with what recipes changed."""
        return self._tuning.settings

    def fingerprint(self) -> Fingerprint:
        """Weights, recipes and runtime that the result follows from.

        Only the trial at the beginning of :meth:`fit` shows whether the runtime works.
        """
        if self._predictor is not None:
            runtime = self._predictor.runtime
        else:
            runtime = choose_runtime(self._tuning.start.settings)
        weights, changed = self._tuning.origin(runtime.device.type)
        return Fingerprint(
            weights=weights,
            settings=changed,
            engine=TORCH,
            device=runtime.device.type,
            precision=runtime.precision,
            packages=("torch", "transformers", *(("peft",) if self.settings.lora_rank else ())),
            devices=self._devices,
        )

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Resolve the checkpoint, encode, train, and end with the epoch to keep."""
        if self._devices == 1:
            self._fit(train, dev, context, None)
            return
        require_devices(self.settings)
        context.note("devices", self._devices)
        with helpers(self._devices, choose_runtime(self.settings)) as join:
            self._fit(train, dev, context, join)

    def _fit(
        self,
        train: Split,
        dev: Mapping[str, Split],
        context: FitContext,
        join: Callable[[], World] | None,
    ) -> None:
        import torch

        torch.manual_seed(self.seed)
        checkpoints = CheckpointFolder(context.folder, context.warn)
        saved = self._tuning.resumed(checkpoints, context, lambda: self._plan(len(train)))
        if saved is None:
            classifier = self._begin(train, context)
        else:
            classifier = loading.make_empty(checkpoints.start, self.task, self.settings)
            classifier.facts.update(self._tuning.facts)
        if self.settings.lora_rank is not None:
            from glueharness_finetune.training.lora import Lora

            self._lora = Lora(classifier, self.settings, self.checkpoint.name)
            context.note("lora", self._lora.facts)
            for message in self._lora.warnings:
                context.warn(message)
        for message in self._use(classifier, self.checkpoint.name, train=True):
            context.warn(message)
        assert self._predictor is not None  # noqa: S101 - for the type checker
        runtime = self._predictor.runtime
        with runtime.threading():
            self._note_runtime(context)
            self._tuning.train(
                self._trainable(classifier, self._predictor, context, join), train, dev,
                checkpoints=checkpoints, saved=saved, plan=self._plan(len(train)), context=context,
            )  # fmt: skip
            if runtime.on_gpu:
                context.note("peak_gpu_memory_bytes", torch.cuda.max_memory_allocated())

    def predict(self, split: Split) -> FloatArray:
        """Scores of every row: ``[n, k]`` in the order of the task's labels, ``[n]`` for scores.

        Raises:
            ModelError: The model is neither trained nor loaded.
        """
        encoder = self._tuning.encoder
        assert self._predictor is not None  # noqa: S101 - made with the encoder
        if (scores := self._tuning.kept_scores(split)) is not None:
            return scores
        with self._predictor.runtime.threading():
            return self._predictor.scores(encoder.encode(split))

    def save(self, folder: Path) -> None:
        """Write a checkpoint that ``pipeline("text-classification", model=folder)`` takes.

        For multiple choice, one that ``AutoModelForMultipleChoice.from_pretrained(folder)`` takes.
        """
        if self._classifier is None:
            raise ModelError("the model is not trained yet")
        saving.save(self._classifier, folder)
        if self._lora is not None:
            self._lora.save(folder / "adapter")

    def load(self, folder: Path) -> None:
        """Become the model that was saved in ``folder``.

        Raises:
            ModelError: It is damaged, not in safetensors, or of another task.
        """
        classifier = loading.load_saved(folder, self.task, self.settings)
        self._tuning.check_labels(loading.label_names(classifier.model.config), folder)
        self._use(classifier, str(folder), train=False)
        self._tuning.loaded = hash_of_files(folder)
        self._devices = 1

    def load_finetuned(self, notes: Notes) -> None:
        """Take the checkpoint with the head that it has.

        Raises:
            ModelError: It could not be found, has no head, or one for other labels.
        """
        found = self._tuning.start.found
        classifier = load_finetuned(found, self.checkpoint, self.task, self.settings)
        warnings = self._use(classifier, self.checkpoint.name, train=False)
        self._tuning.tell_finetuned(classifier, notes, warnings)
        self._devices = 1
        self._note_runtime(notes)

    def _begin(self, train: Split, context: FitContext) -> Classifier:
        """The classifier to start with, and everything worth knowing of it in the record."""
        found = self._tuning.begin(context)
        if found.folder is not None:
            classifier = loading.load_pretrained(
                found.folder, self.task, self.settings, self.checkpoint
            )
        else:
            start, texts = self._tuning.fresh(train)
            classifier = loading.make_fresh(start, texts, self.task, self.settings)
        if self.settings.lora_rank is not None:
            from glueharness_finetune.training.lora import WHOLE, whole_parts

            # What was never trained is known now, and no longer where the training is resumed.
            classifier.facts[WHOLE] = whole_parts(classifier)
        self._tuning.begun(classifier, context)
        return classifier

    def _trainable(
        self,
        classifier: Classifier,
        predictor: Predictor,
        context: FitContext,
        join: Callable[[], World] | None,
    ) -> Trainable:
        quickened = dict(self._engine)

        def make(material: Material) -> Trainee:
            optimiser = make_optimiser(classifier.model, self.settings, material.rates)
            self._engine["lazy_embedding"] = optimiser.lazy
            self._engine["layerwise_lr_decay"] = optimiser.layerwise
            targets = self._targets(material)
            trainee = TorchTrainee(
                predictor=predictor,
                optimiser=optimiser,
                train=material.train,
                targets=targets,
                loss=make_loss(self.settings, self.task, targets),
                settings=self.settings,
                seed=self.seed,
                context=context,
                lora=self._lora,
            )
            if join is None:
                return trainee
            from glueharness_finetune.parallel.leader import Frame, ParallelTrainee

            frame = Frame(
                folder=CheckpointFolder(context.folder, context.warn).start,
                task=self.task,
                rates=material.rates,
                quickened=quickened,
                whole=() if self._lora is None else self._lora.facts["whole"],
            )
            return ParallelTrainee(trainee, join(), frame)

        def note() -> None:
            context.note("engine", {"name": TORCH, "reason": self._reason, **self._engine})

        return Trainable(
            tokenizer=classifier.tokenizer,
            make=make,
            save_frame=lambda folder: saving.save_frame(classifier, folder),
            note=note,
            multiple=predictor.padding.multiple,
        )

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
        self._classifier = classifier
        self._tuning.encode_by(tokenizer, texts, form.max_length, form.rows, train=train)
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
        runtime = self._predictor.runtime
        context.note("device", str(runtime.device))
        context.note("precision", runtime.precision)
        context.note("threads", runtime.threads)
        context.note("max_length", self._tuning.encoder.max_length)
        context.note("parameters", self._predictor.model.num_parameters())

    def _targets(self, material: Material) -> torch.Tensor:
        """Label numbers int64 ``[n]``, or scores float32 ``[n]`` for a regression."""
        import torch

        targets = torch.from_numpy(material.targets)
        return targets if self.task.regression else targets.long()

    def _plan(self, rows: int) -> str:
        """A hash of what the steps depend on."""
        runtime = choose_runtime(self.settings)
        return self._tuning.plan(rows, runtime.device.type, runtime.precision)
