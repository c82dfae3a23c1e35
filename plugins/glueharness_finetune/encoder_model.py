"""``EncoderModel``: the model of every encoder; it hands the work to the engine that serves it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError, Fingerprint, ModelError
from glueharness.run.environment import core_count
from glueharness_finetune.engine_choice import Choice, choose_engine, request_for
from glueharness_finetune.in_effect import settings_in_effect
from glueharness_finetune.parallel.demands import require_devices
from glueharness_finetune.plain import NotPlain
from glueharness_finetune.plain.classifier import read_config
from glueharness_finetune.start import find_start
from glueharness_finetune.training.lora import require_peft
from glueharness_finetune.training.loss import weights_by_label

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness import FitContext, FloatArray, ModelContext, Notes, Split
    from glueharness_finetune.engine_model import EngineModel
    from glueharness_finetune.model import FinetunedEncoder
    from glueharness_finetune.pretrained.find import Checkpoint, Found
    from glueharness_finetune.start import Start


class EncoderModel:
    """An encoder with a classification head, fine-tuned whole by PyTorch or another engine.

    Args:
        context: Task, settings and seed.
        checkpoint: The pretrained encoder. It is looked for when training begins: a trained model
            that is loaded does not need it.
    """

    def __init__(self, context: ModelContext, checkpoint: Checkpoint) -> None:
        weights_by_label(context.settings, context.task)  # refuses what is not for the task
        require_peft(context.settings)
        self._context, self._checkpoint = context, checkpoint
        self._model: FinetunedEncoder | EngineModel | None = None
        self._start: Start | None = None
        self._choice: Choice | None = None

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Find the checkpoint, choose the engine, and let it train."""
        start, choice = self._begin()
        self._model = self._with(choice, start)
        try:
            self._model.fit(train, dev, context)
        except NotPlain as reason:
            # What transformers made of the checkpoint is nothing for the engine: only now known.
            choice = Choice(spec=None, reason=f"{choice.name}: {reason}")
            self._model = self._by_torch(start, choice)
            self._model.fit(train, dev, context)

    def predict(self, split: Split) -> FloatArray:
        """Scores of every row; see :class:`glueharness.Model`.

        Raises:
            ModelError: The model is neither trained nor loaded.
        """
        return self._trained().predict(split)

    def save(self, folder: Path) -> None:
        """Write a checkpoint that ``pipeline("text-classification", model=folder)`` takes."""
        self._trained().save(folder)

    def load(self, folder: Path) -> None:
        """Become the model that was saved in ``folder``, whichever engine trained it.

        What it began with may be gone since, and this may be another machine.
        """
        given = self._context.settings
        # As many threads as before, where they are: another number may change the last bits.
        threads = given.threads if (given.threads or 0) <= core_count() else None
        here = dataclasses.replace(given, weights=None, device="auto", threads=threads, devices=1)
        self._context = dataclasses.replace(self._context, settings=here)
        try:
            choice = choose_engine(self._context, self._context.settings, read_config(folder))
            model = self._with(choice, None)
            model.load(folder)
        except (NotPlain, ConfigError):
            # Transformers reads it, or says what is wrong with it; and a run that another machine
            # has trained with an engine that is not here can be predicted with all the same.
            model = self._by_torch(None, Choice(spec=None, reason=""))
            model.load(folder)
        self._model = model

    def load_finetuned(self, notes: Notes) -> None:
        """Take the checkpoint with the head that it has.

        Raises:
            ModelError: It could not be found, has no head, or one for other labels.
        """
        start, choice = self._begin()
        model = self._with(choice, start)
        try:
            model.load_finetuned(notes)
        except NotPlain as reason:
            model = self._by_torch(start, Choice(spec=None, reason=f"{choice.name}: {reason}"))
            model.load_finetuned(notes)
        self._model = model

    def fingerprint(self) -> Fingerprint:
        """Weights, recipes, engine and number format that the result follows from."""
        if self._model is not None:
            return self._model.fingerprint()
        start, choice = self._begin()
        if choice.spec is None:
            return self._by_torch(start, choice).fingerprint()
        config = self._config(start.found)
        assert config is not None  # noqa: S101 - else PyTorch would have been chosen
        settled = choice.spec.settle(request_for(self._context, start.settings, config))
        return Fingerprint(
            weights=start.weights,
            settings=settings_in_effect(start, self._context, settled.device, choice.name),
            engine=choice.name,
            device=settled.device,
            precision=settled.precision,
            packages=("tokenizers",),
        )

    def _begin(self) -> tuple[Start, Choice]:
        """What training starts from, and the engine that will train it; looked up once."""
        require_devices(self._context.settings)
        if self._start is None:
            self._start = find_start(self._checkpoint, self._context)
        if self._choice is None:
            config = self._config(self._start.found)
            self._choice = choose_engine(self._context, self._start.settings, config)
        return self._start, self._choice

    def _trained(self) -> FinetunedEncoder | EngineModel:
        if self._model is None:
            raise ModelError("the model is not trained yet")
        return self._model

    def _config(self, found: Found) -> Mapping[str, Any] | None:
        """The configuration that training begins with; None if it is not as usual."""
        if self._checkpoint.model_type:
            return None  # an architecture that is registered with transformers
        if found.folder is None:
            fresh = self._checkpoint.fresh
            if fresh is None:
                return None
            return {"model_type": fresh.model_type, **fresh.architecture}
        try:
            return read_config(found.folder)
        except NotPlain:
            return None

    def _with(self, choice: Choice, start: Start | None) -> FinetunedEncoder | EngineModel:
        if choice.spec is None:
            return self._by_torch(start, choice)
        from glueharness_finetune.engine_model import EngineModel

        return EngineModel(self._context, self._checkpoint, choice, start)

    def _by_torch(self, start: Start | None, choice: Choice) -> FinetunedEncoder:
        from glueharness_finetune.model import FinetunedEncoder

        return FinetunedEncoder(self._context, self._checkpoint, start, choice.reason)
