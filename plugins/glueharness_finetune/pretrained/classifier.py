"""A model with its tokenizer, and how the two are written as a plain checkpoint."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness_finetune.checksums import plain_errors
from glueharness_finetune.pretrained.dropout_rates import own_dropout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from glueharness_finetune.pretrained.head import HeadPlan


@dataclass(slots=True, kw_only=True)
class Classifier:
    """A model with its tokenizer.

    Attributes:
        model: The model, on the processor, in float32.
        tokenizer: Its tokenizer.
        facts: What is to be known of it, JSON-able.
        warnings: What the user should know.
        dropout: The checkpoint's own rates that others took the place of, by the configuration's
            names; they are what is saved.
        head: What became of the checkpoint's head; None where there was no checkpoint.
        absent: Names of the parameters that the checkpoint does not hold for the task.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    dropout: Mapping[str, float] = field(default_factory=dict)
    head: HeadPlan | None = None
    absent: frozenset[str] = frozenset()


def save(classifier: Classifier, folder: Path) -> None:
    """Write a plain checkpoint: configuration with label names, safetensors, tokenizer.

    Raises:
        OSError: The disk is full, for instance.
    """
    with quiet(), plain_errors(), own_dropout(classifier.model.config, classifier.dropout):
        classifier.model.save_pretrained(folder)
        _save_tokenizer(classifier.tokenizer, folder)


def save_frame(classifier: Classifier, folder: Path) -> None:
    """Write everything but the weights: configuration with label names, tokenizer.

    Raises:
        OSError: The disk is full, for instance.
    """
    with own_dropout(classifier.model.config, classifier.dropout):
        classifier.model.config.save_pretrained(folder)
    _save_tokenizer(classifier.tokenizer, folder)


def _save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write a tokenizer as it is, and not what was last done with it.

    Else the saved model would depend on whether the texts were in the cache.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.no_padding()
        backend.no_truncation()
    tokenizer.save_pretrained(str(folder))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' reports and progress bars off the terminal: what matters is said here."""
    from transformers.utils import logging as its_logging

    logging: Any = its_logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
