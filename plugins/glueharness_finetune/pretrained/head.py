"""The classification head of a checkpoint: its labels are matched to the task's by name."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from torch import nn
    from transformers import PretrainedConfig, PreTrainedModel

    from glueharness import TaskSpec

_GENERIC = re.compile(r"label[_ ]?\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPlan:
    """What becomes of a checkpoint's classification head.

    Attributes:
        keep: Whether the head serves the task.
        order: For each label of the task, the row of the checkpoint's head; None: as they are.
        reason: Why, in words.
        warning: What the user should know; empty if nothing.
        named: Whether the checkpoint says what each of its outputs stands for.
    """

    keep: bool
    order: tuple[int, ...] | None = None
    reason: str = ""
    warning: str = ""
    named: bool = True


def plan_head(own: Mapping[int, str], task: TaskSpec) -> HeadPlan:
    """Decide by the names that the checkpoint gives its outputs.

    Args:
        own: The checkpoint's output number to label name.
        task: The task.
    """
    if len(own) != task.num_outputs:
        return _by_number(own, task)
    if sorted(own) != list(range(len(own))):
        return _unusable(
            own,
            f"the checkpoint numbers its labels {', '.join(str(each) for each in sorted(own))}, "
            "not from 0",
        )
    if task.regression:
        return HeadPlan(keep=True, reason="one output, as the task has")
    names = {_plain(name): number for number, name in own.items()}
    wanted = [_plain(label) for label in task.labels]
    if all(_GENERIC.fullmatch(name) for name in own.values()):
        return HeadPlan(keep=True, reason="the checkpoint does not name its labels", named=False)
    if set(names) == set(wanted):
        order = tuple(names[label] for label in wanted)
        if order == tuple(range(len(order))):
            return HeadPlan(keep=True, reason="the checkpoint names the task's labels in order")
        return HeadPlan(
            keep=True, order=order, reason="the checkpoint names the task's labels in another order"
        )
    if all(name.strip().isdecimal() for name in own.values()):
        return _unusable(
            own,
            "the checkpoint's labels are only numbers, which do not say what each of its outputs "
            "stands for",
        )
    return _unlike(own, task)


def _unusable(own: Mapping[int, str], reason: str) -> HeadPlan:
    listing = ", ".join(f"{number}: {name}" for number, name in sorted(own.items()))
    return HeadPlan(
        keep=False,
        reason=reason,
        warning=f"{reason[0].upper()}{reason[1:]} ({listing}): its classification head is not "
        "used.",
    )


def _by_number(own: Mapping[int, str], task: TaskSpec) -> HeadPlan:
    reason = f"the checkpoint has {len(own)} outputs, the task {task.num_outputs}"
    if task.regression or all(_GENERIC.fullmatch(name) for name in own.values()):
        return HeadPlan(keep=False, reason=reason)
    return HeadPlan(keep=False, reason=reason, warning=_unlike(own, task).warning)


def _unlike(own: Mapping[int, str], task: TaskSpec) -> HeadPlan:
    wanted = {_plain(label) for label in task.labels}
    common = [name for name in own.values() if _plain(name) in wanted]
    named = ", ".join(own.values())
    warning = ""
    if common:
        warning = (
            f"The checkpoint's labels ({named}) are only in part those of {task.name} "
            f"({', '.join(task.labels)}): its classification head is not used."
        )
    return HeadPlan(
        keep=False, reason=f"the checkpoint names other labels: {named}", warning=warning
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().lower())


def name_outputs(config: PretrainedConfig, task: TaskSpec) -> None:
    """Put the task's label names into a model's configuration, in the task's order.

    A model for multiple choice has one output without a name: its configuration stays as it is.
    """
    if task.choices:
        return
    if task.regression:
        config.num_labels = 1
        config.problem_type = "regression"
        return
    config.id2label = dict(enumerate(task.labels))
    config.label2id = {label: number for number, label in enumerate(task.labels)}
    config.problem_type = "single_label_classification"


def output_layer(model: PreTrainedModel, outputs: int) -> tuple[str, nn.Linear]:
    """Name and layer that gives a classifier's outputs: the last one, best outside of the encoder.

    Raises:
        LookupError: There is none of that width.
    """
    from torch import nn

    encoder = set(model.base_model.modules()) if model.base_model is not model else set()
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == outputs
    ]
    if not found:
        raise LookupError(f"no linear layer with {outputs} outputs")
    # Perceiver's output layer is a part of its decoder, and that of its base model.
    return next((each for each in reversed(found) if each[1] not in encoder), found[-1])


def arrange_outputs(layer: nn.Linear, order: Sequence[int]) -> None:
    """Move the rows of an output layer: row i becomes what row ``order[i]`` was."""
    import torch

    with torch.no_grad():
        layer.weight.copy_(layer.weight[list(order)].clone())
        if layer.bias is not None:
            layer.bias.copy_(layer.bias[list(order)].clone())


def renew_outputs(layer: nn.Linear, config: Any) -> None:
    """Give an output layer fresh weights, as BERT begins: normal with a small deviation."""
    import torch

    with torch.no_grad():
        layer.weight.normal_(0.0, float(getattr(config, "initializer_range", 0.02)))
        if layer.bias is not None:
            layer.bias.zero_()


def untrained_pooler(model: PreTrainedModel, absent: Container[str]) -> nn.Linear | None:
    """The square layer between the encoder and the head, if pretraining had no use for it.

    Many an encoder was trained without its pooler, and its checkpoint holds what that layer was
    made with, or less: weight decay has shrunk it. Its bias tells, since it begins with zeros and
    does not stay there.

    Args:
        model: The model.
        absent: Names of the parameters that the checkpoint does not hold.
    """
    from torch import nn

    part = getattr(model.base_model, "pooler", None)
    layer = part if isinstance(part, nn.Linear) else getattr(part, "dense", None)
    if not isinstance(layer, nn.Linear) or layer.bias is None:
        return None
    [name] = (name for name, parameter in model.named_parameters() if parameter is layer.weight)
    fresh = name in absent or not bool(layer.bias.any())
    return layer if fresh and layer.in_features == layer.out_features else None


def begin_with_identity(pooler: nn.Linear) -> None:
    """Let a pooler hand on what it is given, at first: a random one would garble it."""
    from torch import nn

    nn.init.eye_(pooler.weight)
    nn.init.zeros_(pooler.bias)


@contextmanager
def telling_outputs(model: PreTrainedModel, outputs: int) -> Iterator[None]:
    """A region in which the model predicts, its output layer's weights large and without bias.

    A fresh output layer may be so near to zero that nothing below it shows in the scores.
    """
    import torch

    _, layer = output_layer(model, outputs)
    kept = layer.weight.detach().clone(), None if layer.bias is None else layer.bias.clone()
    generator = torch.Generator().manual_seed(0)
    was_training = model.training
    model.train(mode=False)
    try:
        with torch.no_grad():
            scale = layer.in_features**-0.5
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * scale)
            if layer.bias is not None:
                layer.bias.zero_()
        yield
    finally:
        with torch.no_grad():
            layer.weight.copy_(kept[0])
            if layer.bias is not None and kept[1] is not None:
                layer.bias.copy_(kept[1])
        model.train(was_training)
