"""Which of transformers' classes serves a task: the one for labels and scores, or multiple choice.

A model of transformers for multiple choice takes ``[b, c, s]``: all choices of a row, padded to the
same length. What it computes of a choice does not depend on the others, so that it is used here
like any other model, a sequence at a time, ``[b * c, s]``, with one number for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness import ModelError
from glueharness_finetune.pretrained.head import HeadPlan
from glueharness_finetune.tokens.tokenize import Texts

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn
    from transformers import PretrainedConfig

    from glueharness import TaskSpec
    from glueharness_finetune.settings import FinetuneSettings

_CLASSIFIER, _MULTIPLE_CHOICE = "AutoModelForSequenceClassification", "AutoModelForMultipleChoice"


def texts_of(task: TaskSpec) -> Texts:
    """Which columns of a task become which sequences."""
    return Texts(task.context, task.choices)


def outputs_of(task: TaskSpec) -> int:
    """Values that a model computes for a sequence: one for each label, or one for a choice."""
    return 1 if task.choices else task.num_outputs


def auto_class(task: TaskSpec) -> Any:
    """The class of transformers that loads a model for a task."""
    import transformers

    return getattr(transformers, _MULTIPLE_CHOICE if task.choices else _CLASSIFIER)


def check_architecture(config: PretrainedConfig, task: TaskSpec, folder: Path) -> None:
    """Refuse an architecture that transformers has no such model of.

    Raises:
        ModelError: It names the architecture.
    """
    from transformers.models.auto import modeling_auto as auto

    known: Any = (
        auto.MODEL_FOR_MULTIPLE_CHOICE_MAPPING
        if task.choices
        else auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    )
    wanted = _MULTIPLE_CHOICE if task.choices else _CLASSIFIER
    own_code = wanted in (getattr(config, "auto_map", None) or {})
    if type(config) not in known and not own_code:
        what = "model for multiple choice" if task.choices else "text classifier"
        raise ModelError(
            f"it is a model of the architecture {config.model_type!r}, and transformers has no "
            f"{what} of that",
            where=str(folder),
        )


def plan_choice_head(config: PretrainedConfig, settings: FinetuneSettings) -> HeadPlan:
    """What becomes of a checkpoint's head in a task of multiple choice.

    Its one output has no name; what tells is for what the checkpoint says that it was made.

    Raises:
        ModelError: The user names its outputs.
    """
    if settings.head_labels is not None:
        raise ModelError("--head-labels: a model for multiple choice has one output, without name")
    made_for = [str(name) for name in getattr(config, "architectures", None) or ()]
    if any(name.endswith("ForMultipleChoice") for name in made_for):
        return HeadPlan(keep=True, reason="the checkpoint is one for multiple choice")
    return HeadPlan(keep=False, reason="the checkpoint is not one for multiple choice")


def take_sequences(model: nn.Module, task: TaskSpec) -> None:
    """Let a model for multiple choice take sequences ``[b, s]``, and give ``[b, 1]``."""
    if task.choices:
        model.register_forward_pre_hook(_each_alone, with_kwargs=True)


def _each_alone(
    _: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Each sequence as the only choice of a row."""
    return inputs, {name: value[:, None] for name, value in named.items()}
