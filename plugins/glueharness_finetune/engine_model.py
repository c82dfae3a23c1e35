"""``EngineModel``: an encoder that an engine of another plugin computes, without PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness import Fingerprint, ModelError
from glueharness_finetune.checksums import read_arrays
from glueharness_finetune.engine_choice import request_for
from glueharness_finetune.fine_tuning import FineTuning, Trainable
from glueharness_finetune.plain import NotPlain
from glueharness_finetune.plain.classifier import (
    PlainClassifier,
    begin_fresh,
    begin_pretrained,
    fill,
    fitting_tokenizer,
    load_saved,
    own_labels,
    read_config,
)
from glueharness_finetune.plain.tokenizer import PlainTokenizer
from glueharness_finetune.pretrained.tokenizer import require_room
from glueharness_finetune.start import hash_of_files
from glueharness_finetune.tokens.tokenize import Texts
from glueharness_finetune.training.checkpoint import CheckpointFolder
from glueharness_finetune.training.engine_trainee import EngineTrainee, scores_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness import (
        EncoderEngine,
        EngineSpec,
        FitContext,
        FloatArray,
        ModelContext,
        Notes,
        Split,
    )
    from glueharness_finetune.engine_choice import Choice
    from glueharness_finetune.fine_tuning import Material
    from glueharness_finetune.pretrained.classifier import Classifier
    from glueharness_finetune.pretrained.find import Checkpoint
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.start import Start
    from glueharness_finetune.training.trainee import Trainee


class EngineModel:
    """An encoder with a classification head, computed by an engine.

    Args:
        context: Task, settings and seed.
        checkpoint: The pretrained encoder.
        choice: The engine, and why it was taken.
        start: What training starts from; None where a saved model is to be loaded.
    """

    def __init__(
        self,
        context: ModelContext,
        checkpoint: Checkpoint,
        choice: Choice,
        start: Start | None = None,
    ) -> None:
        self.task, self.seed, self.checkpoint = context.task, context.seed, checkpoint
        self._context, self._choice = context, choice
        self._tuning = FineTuning(context, checkpoint, choice.name, start)
        self._engine: EncoderEngine | None = None
        self._classifier: PlainClassifier | None = None

    @property
    def settings(self) -> FinetuneSettings:
        """The settings as they stand: from :meth:`fit` on with what recipes changed."""
        return self._tuning.settings

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Begin from the checkpoint, encode, train, and end with the epoch to keep."""
        checkpoints = CheckpointFolder(context.folder, context.warn, read_arrays)
        saved = self._tuning.resumed(checkpoints, context, lambda: self._plan(len(train)))
        if saved is None:
            classifier = self._begin(train, context)
        else:
            config = read_config(checkpoints.start)
            self._engine = self._make(config)
            classifier = PlainClassifier(
                config=config, tokenizer=_tokenizer(checkpoints.start, config)
            )
        engine = self._use(classifier, train=True)
        self._note(engine, context)

        def make(material: Material) -> Trainee:
            return EngineTrainee(
                engine=engine,
                train=material.train,
                targets=material.targets,
                rates=material.rates,
                settings=self.settings,
                seed=self.seed,
            )

        trainable = Trainable(
            tokenizer=classifier.tokenizer, make=make, save_frame=classifier.save_frame
        )
        self._tuning.train(
            trainable, train, dev,
            checkpoints=checkpoints, saved=saved, plan=self._plan(len(train)), context=context,
        )  # fmt: skip

    def predict(self, split: Split) -> FloatArray:
        """Scores of every row: ``[n, k]`` in the order of the task's labels, ``[n]`` for scores.

        Raises:
            ModelError: The model is neither trained nor loaded.
        """
        encoder = self._tuning.encoder
        assert self._engine is not None  # noqa: S101 - made before the encoder
        if (scores := self._tuning.kept_scores(split)) is not None:
            return scores
        return scores_of(self._engine, encoder.encode(split))

    def save(self, folder: Path) -> None:
        """Write a checkpoint that ``pipeline("text-classification", model=folder)`` takes."""
        if self._classifier is None or self._engine is None:
            raise ModelError("the model is not trained yet")
        self._classifier.save(folder, self._engine.weights)

    def load(self, folder: Path) -> None:
        """Become the model that was saved in ``folder``.

        Raises:
            NotPlain: It is not as this engine saves it.
            ModelError: It is of another task.
        """
        config = read_config(folder)
        self._tuning.check_labels(own_labels(config), folder)
        self._engine = self._make(config)
        self._use(load_saved(folder, self._engine))
        self._tuning.loaded = hash_of_files(folder)

    def load_finetuned(self, notes: Notes) -> None:
        """Take the checkpoint with the head that it has.

        Raises:
            NotPlain: The engine cannot compute it.
            ModelError: It could not be found, has no head, or one for other labels.
        """
        from glueharness_finetune.pretrained.finetuned import load_finetuned

        found = self._tuning.start.found
        loaded = load_finetuned(found, self.checkpoint, self.task, self.settings)
        classifier = self._taken(loaded)
        engine = self._use(classifier)
        self._tuning.tell_finetuned(classifier, notes)
        self._note(engine, notes)

    def fingerprint(self) -> Fingerprint:
        """Weights, recipes, engine and number format of a model that was trained or loaded."""
        assert self._classifier is not None  # noqa: S101 - before, whoever chose the engine tells
        request = request_for(self._context, self.settings, self._classifier.config)
        settled = self._spec().settle(request)
        weights, changed = self._tuning.origin(settled.device)
        return Fingerprint(
            weights=weights,
            settings=changed,
            engine=self._choice.name,
            device=settled.device,
            precision=settled.precision,
            packages=("tokenizers",),
        )

    def _begin(self, train: Split, context: FitContext) -> PlainClassifier:
        """The classifier to start with, and everything worth knowing of it in the record."""
        found = self._tuning.begin(context)
        if found.folder is not None:
            classifier = self._begin_pretrained(found.folder)
        else:
            classifier = self._begin_fresh(train)
        self._tuning.begun(classifier, context)
        return classifier

    def _begin_pretrained(self, folder: Path) -> PlainClassifier:
        if self.settings.head_labels is not None:
            return self._through_transformers(folder)
        self._engine = self._make(read_config(folder))
        try:
            return begin_pretrained(
                folder, self.task, self._engine,
                identity_pooler=self.settings.identity_pooler, seed=self.seed,
            )  # fmt: skip
        except NotPlain:
            return self._through_transformers(folder)

    def _through_transformers(self, folder: Path) -> PlainClassifier:
        """Let transformers read a checkpoint that is not of the usual form."""
        import torch

        from glueharness_finetune.pretrained import load

        torch.manual_seed(self.seed)
        return self._taken(load.load_pretrained(folder, self.task, self.settings, self.checkpoint))

    def _taken(self, loaded: Classifier) -> PlainClassifier:
        """What transformers has read, with its weights in the engine.

        Raises:
            NotPlain: The engine cannot compute it.
        """
        weights = {name: p.detach().numpy() for name, p in loaded.model.named_parameters()}
        config = {**loaded.model.config.to_dict(), **loaded.dropout}
        config["architectures"] = [type(loaded.model).__name__]
        config["id2label"] = {str(k): name for k, name in config["id2label"].items()}
        self._engine = self._make(config)
        if missing := sorted(set(self._engine.weights) - set(weights)):
            raise NotPlain(f"there is no {missing[0]}")
        fill(self._engine, weights, 0.0, self.seed)
        return PlainClassifier(
            config=config,
            tokenizer=loaded.tokenizer,
            facts=loaded.facts,
            warnings=loaded.warnings,
        )

    def _begin_fresh(self, train: Split) -> PlainClassifier:
        start, texts = self._tuning.fresh(train)
        classifier, spread = begin_fresh(start, texts, self.task, self._tuning.cache)
        self._engine = self._make(classifier.config)
        fill(self._engine, {}, spread, self.seed)
        padding = classifier.tokenizer.pad_token_id
        words = next(name for name in self._engine.weights if "word_embeddings" in name)
        self._engine.weights[words][padding] = 0
        self._engine.changed()
        return classifier

    def _make(self, config: Mapping[str, Any]) -> EncoderEngine:
        """The engine for a configuration, its weights still to be filled in."""
        spec = self._spec()
        request = request_for(self._context, self.settings, config)
        if objection := spec.objection(request):
            raise NotPlain(objection)
        return spec.factory(request)

    def _spec(self) -> EngineSpec:
        spec = self._choice.spec
        assert spec is not None  # noqa: S101 - PyTorch has a class of its own
        return spec

    def _use(self, classifier: PlainClassifier, *, train: bool = False) -> EncoderEngine:
        assert self._engine is not None  # noqa: S101 - made with the classifier
        # What is saved tells the limit of both.
        tokenizer = classifier.tokenizer = _limited(classifier.tokenizer, self._engine.longest)
        longest = min(self.settings.max_length, tokenizer.model_max_length)
        texts = Texts(self.task.columns)
        taken = tokenizer.backend_tokenizer.num_special_tokens_to_add(texts.parts > 1)
        require_room(longest, taken, texts.parts, tokenizer.name_or_path)
        self._classifier = classifier
        rows = int(classifier.config["vocab_size"])
        self._tuning.encode_by(tokenizer, texts, longest, rows, train=train)
        return self._engine

    def _note(self, engine: EncoderEngine, context: Notes) -> None:
        facts = dict(engine.facts)
        context.note("device", facts.pop("device"))
        context.note("precision", facts.pop("precision"))
        threads = request_for(self._context, self.settings, {}).threads
        context.note("threads", threads)
        context.note("max_length", self._tuning.encoder.max_length)
        context.note("parameters", sum(values.size for values in engine.weights.values()))
        context.note("engine", {"name": self._choice.name, "reason": self._choice.reason, **facts})

    def _plan(self, rows: int) -> str:
        """A hash of what the steps depend on."""
        settled = self._spec().settle(request_for(self._context, self.settings, {}))
        return self._tuning.plan(rows, settled.device, settled.precision)


def _limited(tokenizer: Any, longest: int) -> Any:
    """A tokenizer, ours or transformers', with the limit of the model that it is for."""
    if isinstance(tokenizer, PlainTokenizer):
        return tokenizer.limited(longest)
    tokenizer.model_max_length = min(tokenizer.model_max_length, longest)
    return tokenizer


def _tokenizer(folder: Path, config: Mapping[str, Any]) -> Any:
    """The tokenizer of a checkpoint's frame."""
    try:
        return fitting_tokenizer(folder, config)
    except NotPlain:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
