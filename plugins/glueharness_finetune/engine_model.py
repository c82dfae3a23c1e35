"""``EngineModel``: an encoder that an engine of another plugin computes, without PyTorch."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import LABEL_COLUMN, Fingerprint, ModelError
from glueharness import Progress as Report
from glueharness.settings.fields import result_settings
from glueharness_finetune.engine_choice import request_for, warn_of_change
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
from glueharness_finetune.pretrained.tokenizer import check_known
from glueharness_finetune.recipes import Recipes
from glueharness_finetune.start import hash_of_files
from glueharness_finetune.tokens.cache import TokenCache
from glueharness_finetune.tokens.tokenize import Encoder, Texts
from glueharness_finetune.training.checkpoint import CheckpointFolder, Progress
from glueharness_finetune.training.checksums import read_arrays, size_of
from glueharness_finetune.training.engine_trainee import EngineTrainee, scores_of
from glueharness_finetune.training.loop import Training, restore, run_training
from glueharness_finetune.training.schedule import learning_rates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

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
    from glueharness_finetune.pretrained.find import Checkpoint, Found
    from glueharness_finetune.pretrained.load import Classifier
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.start import Start
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.checkpoint import Saved

_START = "start.json"


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
        self._context, self._choice, self._start = context, choice, start
        self._recipes = Recipes(context)
        self._facts: Mapping[str, Any] = {}
        self._engine: EncoderEngine | None = None
        self._classifier: PlainClassifier | None = None
        self._encoder: Encoder | None = None
        self._loaded = ""  # what identifies weights that are only to be evaluated
        self._scored: list[tuple[Split, FloatArray]] = []
        self._encoding: dict[str, float] = {}

    @property
    def settings(self) -> FinetuneSettings:
        """The settings as they stand: from :meth:`fit` on with what recipes changed."""
        return self._recipes.settings

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Begin from the checkpoint, encode, train, and end with the epoch to keep."""
        checkpoints = CheckpointFolder(context.folder, context.warn, read_arrays)
        saved = self._saved(checkpoints, len(train), context) if context.resume else None
        if saved is None:
            classifier = self._begin(train, context)
        else:
            config = read_config(checkpoints.start)
            self._engine = self._make(config)
            classifier = PlainClassifier(
                config=config, tokenizer=_tokenizer(checkpoints.start, config)
            )
        engine = self._use(classifier)
        self._note(engine, context)
        rates = learning_rates(self.settings, len(train))
        encoded = self._encode(train, "train", context)
        if message := check_known(encoded, classifier.tokenizer, self.checkpoint.name):
            context.warn(message)
        training = Training(
            trainee=EngineTrainee(
                engine=engine,
                train=encoded,
                targets=self._targets(train),
                rates=rates,
                settings=self.settings,
                seed=self.seed,
            ),
            settings=self.settings,
            seed=self.seed,
            train=encoded,
            dev={name: self._encode(split, name, context) for name, split in dev.items()},
            rates=rates,
            checkpoints=checkpoints,
            context=context,
            progress=Progress(plan=self._plan(len(train))),
        )
        if saved is not None:
            restore(training, saved)
        else:
            checkpoints.require_space(5 * size_of(engine.weights))
            checkpoints.write_start(self._write_start)
        run_training(training)
        # The same weights need not score the same rows again.
        self._scored = [(dev[name], scores) for name, scores in training.kept_scores.items()]

    def predict(self, split: Split) -> FloatArray:
        """Scores of every row: ``[n, k]`` in the order of the task's labels, ``[n]`` for scores.

        Raises:
            ModelError: The model is neither trained nor loaded.
        """
        if self._engine is None or self._encoder is None:
            raise ModelError("the model is not trained yet")
        for scored, scores in self._scored:
            if scored is split:
                return scores
        return scores_of(self._engine, self._encoder.encode(split))

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
        named = own_labels(config)
        labels = [named[number] for number in sorted(named)]
        if not self.task.regression and labels != list(self.task.labels):
            raise ModelError(
                f"the model's labels are {', '.join(labels)}; those of {self.task.name} are "
                f"{', '.join(self.task.labels)}",
                where=str(folder),
            )
        self._engine = self._make(config)
        self._use(load_saved(folder, self._engine))
        self._loaded = hash_of_files(folder)

    def load_finetuned(self, notes: Notes) -> None:
        """Take the checkpoint with the head that it has.

        Raises:
            NotPlain: The engine cannot compute it.
            ModelError: It could not be found, has no head, or one for other labels.
        """
        from glueharness_finetune.pretrained.finetuned import load_finetuned

        assert self._start is not None  # noqa: S101 - it is given to a model with a checkpoint
        found = self._start.found
        loaded = load_finetuned(found, self.checkpoint, self.task, self.settings)
        classifier = self._taken(loaded)
        engine = self._use(classifier)
        for message in filter(None, (found.warning, *classifier.warnings)):
            notes.warn(message)
        facts = {"name": self.checkpoint.name, "how": found.how, "revision": found.commit}
        notes.note("checkpoint", {**facts, **classifier.facts})
        self._note(engine, notes)
        self._loaded = self._start.weights

    def fingerprint(self) -> Fingerprint:
        """Weights, recipes, engine and number format of a model that was trained or loaded."""
        assert self._classifier is not None  # noqa: S101 - before, whoever chose the engine tells
        weights, changed = self._loaded, dict[str, Any]()
        if not weights and self._start is not None:
            weights, changed = self._start.weights, self._start.changed(self._context.settings)
        request = request_for(self._context, self.settings, self._classifier.config)
        settled = self._spec().settle(request)
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
        assert self._start is not None  # noqa: S101 - it is given to a model that trains
        found = self._start.found
        self._recipes.repeat(self._start.recipes, context)
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
            classifier = self._begin_pretrained(found.folder)
        else:
            facts["tried"] = dict(found.tried)
            classifier = self._begin_fresh(train, found, context)
        for message in classifier.warnings:
            context.warn(message)
        self._facts = {**facts, **classifier.facts}
        context.note("checkpoint", self._facts)
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

    def _begin_fresh(self, train: Split, found: Found, context: FitContext) -> PlainClassifier:
        start = self.checkpoint.fresh
        assert start is not None  # noqa: S101 - as find_checkpoint promises
        reasons = "; ".join(f"{place}: {reason}" for place, reason in found.tried)
        context.warn(
            f"The pretrained weights of {self.checkpoint.name} could not be found ({reasons}). "
            "Training starts from FRESH WEIGHTS with a vocabulary made from the training "
            "texts: scores say little about the pretrained model."
        )
        texts = (text for column in self.task.columns for text in train[column])
        classifier, spread = begin_fresh(start, texts, self.task)
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

    def _use(self, classifier: PlainClassifier) -> EncoderEngine:
        assert self._engine is not None  # noqa: S101 - made with the classifier
        tokenizer = classifier.tokenizer
        longest = min(self.settings.max_length, tokenizer.model_max_length, self._engine.longest)
        cache = TokenCache() if self.settings.token_cache else None
        self._classifier, self._scored = classifier, []
        rows = int(classifier.config["vocab_size"])
        self._encoder = Encoder(tokenizer, Texts(self.task.columns), longest, cache, rows)
        return self._engine

    def _saved(self, checkpoints: CheckpointFolder, rows: int, context: FitContext) -> Saved | None:
        """The newest whole checkpoint of an interrupted run, and the settings that it had."""
        if not checkpoints.start_is_whole():
            return None
        start = json.loads((checkpoints.start / _START).read_text(encoding="utf-8"))
        warn_of_change(start, self._choice.name, context)
        self._recipes.repeat(start["recipes"], context)
        saved = checkpoints.load(self._plan(rows))
        if saved is None:
            return None
        self._facts = start["facts"]
        context.note("checkpoint", self._facts)
        return saved

    def _write_start(self, folder: Path) -> None:
        assert self._classifier is not None  # noqa: S101 - called by fit
        self._classifier.save_frame(folder)
        start = {
            "recipes": self._recipes.applied(),
            "facts": self._facts,
            "engine": self._choice.name,
        }
        (folder / _START).write_text(json.dumps(start), encoding="utf-8")

    def _note(self, engine: EncoderEngine, context: Notes) -> None:
        assert self._encoder is not None  # noqa: S101 - called when there is a model
        facts = dict(engine.facts)
        context.note("device", facts.pop("device"))
        context.note("precision", facts.pop("precision"))
        threads = request_for(self._context, self.settings, {}).threads
        context.note("threads", threads)
        context.note("max_length", self._encoder.max_length)
        context.note("parameters", sum(values.size for values in engine.weights.values()))
        context.note("engine", {"name": self._choice.name, "reason": self._choice.reason, **facts})

    def _encode(self, split: Split, name: str, context: FitContext) -> Encoded:
        assert self._encoder is not None  # noqa: S101 - called by fit

        def advance(done: int) -> None:
            context.report(Report(phase=f"encode {name}", done=done, total=len(split), unit="rows"))

        began = time.monotonic()
        encoded = self._encoder.encode(split, advance)
        self._encoding[name] = round(time.monotonic() - began, 3)
        context.note("seconds_of_encoding", self._encoding)
        return encoded

    def _targets(self, train: Split) -> npt.NDArray[np.float32]:
        if self.task.regression:
            return np.asarray(train[LABEL_COLUMN], dtype=np.float32)
        numbers = {label: number for number, label in enumerate(self.task.labels)}
        return np.array([numbers[label] for label in train[LABEL_COLUMN]], np.float32)

    def _plan(self, rows: int) -> str:
        """A hash of what the steps depend on."""
        settled = self._spec().settle(request_for(self._context, self.settings, {}))
        computed = [settled.device, settled.precision]
        facts = [self.seed, rows, self.task.name, result_settings(self.settings), computed]
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]


def _tokenizer(folder: Path, config: Mapping[str, Any]) -> Any:
    """The tokenizer of a checkpoint's frame."""
    try:
        return fitting_tokenizer(folder, config)
    except NotPlain:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
