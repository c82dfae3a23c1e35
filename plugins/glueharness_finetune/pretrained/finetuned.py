"""A checkpoint that was fine-tuned elsewhere: taken with the head that it has, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import ModelError
from glueharness_finetune.pretrained.load import load_pretrained

if TYPE_CHECKING:
    from glueharness import TaskSpec
    from glueharness_finetune.pretrained.classifier import Classifier
    from glueharness_finetune.pretrained.find import Checkpoint, Found
    from glueharness_finetune.settings import FinetuneSettings


def load_finetuned(
    found: Found, checkpoint: Checkpoint, task: TaskSpec, settings: FinetuneSettings
) -> Classifier:
    """A classifier whose every weight is the checkpoint's; its outputs are put in the task's order.

    Args:
        found: The checkpoint's files.
        checkpoint: What is known of it besides.
        task: The task.
        settings: What its outputs stand for, if it does not say, and whether its code may run.

    Raises:
        ModelError: It could not be found, has no head, or its outputs are not the task's labels.
    """
    if found.folder is None:
        listing = "\n".join(f"  {place}: {reason}" for place, reason in found.tried)
        raise ModelError(
            f"the model {checkpoint.name!r} could not be found", remedy=f"Tried:\n{listing}"
        )
    classifier = load_pretrained(found.folder, task, settings, checkpoint)
    problem, remedy = _problem(classifier, task)
    if problem:
        raise ModelError(problem, where=str(found.folder), remedy=remedy)
    return classifier


def _problem(classifier: Classifier, task: TaskSpec) -> tuple[str, str]:
    """Why a checkpoint cannot predict a task as it is, and what to do; empty if it can."""
    head, absent, labels = classifier.head, classifier.absent, ", ".join(task.labels)
    learnt = task.trained_on or task.name
    train = f"Train it first: glueharness run {learnt} --model hf:NAME"
    assert head is not None  # noqa: S101 - it comes from a checkpoint
    if head.keep and absent:
        return f"the checkpoint is not fine-tuned: it has no {min(absent)}", train
    if not head.keep:
        wanted = f"the labels of {task.name} are {labels}" if labels else f"{task.name} has scores"
        renamed = "If its outputs are these labels under other names: --head-labels A,B (in order)"
        return (
            f"the checkpoint's head does not fit {task.name}: {head.reason}; {wanted}",
            train if task.choices else renamed,
        )
    if not head.named:
        return (
            "the checkpoint does not say what its outputs stand for (LABEL_0, LABEL_1, …)",
            f"If you know, name them in their order: --head-labels {','.join(task.labels)}",
        )
    return "", ""
