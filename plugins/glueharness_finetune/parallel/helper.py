"""What a process does that helps another one to train: it follows, until that one is done.

``python -m glueharness_finetune.parallel.helper`` is started by the first process, which tells it
on its standard input how the two find each other.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.system.interrupts import end_with_parent
from glueharness_finetune.cpu.threads import wait_politely

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from glueharness import TaskSpec
    from glueharness_finetune.parallel.world import World
    from glueharness_finetune.runtime import Runtime
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.torch_trainee import TorchTrainee


class Unheard:
    """Takes what the first process tells the user itself."""

    def note(self, name: str, value: Any) -> None:
        """Nothing is kept of it."""

    def warn(self, message: str) -> None:
        """Nobody hears of it."""


@dataclass(slots=True)
class Follower:
    """What a helper has of the training that is going on.

    Attributes:
        world: The processes.
        trainee: The model with its optimiser, like the first process's.
        rows: The splits that it was told, the training rows first.
    """

    world: World
    trainee: TorchTrainee
    rows: list[Encoded] = field(default_factory=list)


def serve(world: World) -> None:
    """Follow the first process until it says that it is the end, or is gone; then leave."""
    try:
        _follow(world)
    finally:
        world.leave()  # or else PyTorch's threads may abort a process that ends


def _follow(world: World) -> None:
    from glueharness import GlueharnessError
    from glueharness_finetune.training.trainee import HelperLost

    follower: Follower | None = None
    while True:
        try:
            told, tensors = world.hear()
            if told["do"] == "end":
                return
            follower = _do(told, tensors, follower, world)
        except HelperLost:
            return
        except GlueharnessError:
            continue  # the first process knows, and tells the user


def _do(
    told: Mapping[str, Any],
    tensors: Sequence[torch.Tensor],
    follower: Follower | None,
    world: World,
) -> Follower | None:
    """Do what the first process said; returns what is there after it."""
    from glueharness_finetune.parallel.shares import do_step, score, share_of

    if told["do"] == "begin":
        return _begin(told, tensors, world)
    if told["do"] == "finish":
        return None
    assert follower is not None  # noqa: S101 - the first process begins with that
    trainee = follower.trainee
    with trainee.predictor.runtime.threading():
        if told["do"] == "rows":
            follower.rows.append(_rows(told, tensors))
        elif told["do"] == "step":
            rows = tensors[0].numpy()
            inputs = trainee.inputs(share_of(rows, world))
            do_step(trainee, world, rows, inputs, told["number"])
        elif told["do"] == "score":
            trainee.flush()
            score(trainee, world, follower.rows[told["rows"]])
    return follower


def _begin(
    told: Mapping[str, Any], tensors: Sequence[torch.Tensor], world: World
) -> Follower | None:
    """Make the same model as the first process has, with the same optimiser."""
    rows = _rows(*world.hear())
    follower, error = None, None
    try:
        follower = Follower(world, _make(told, tensors, rows, world.rank), [rows])
    except Exception as problem:  # noqa: BLE001 - the first process is waiting to hear of it
        error = problem
    world.agree(error)
    return follower


def _make(
    told: Mapping[str, Any], tensors: Sequence[torch.Tensor], rows: Encoded, rank: int
) -> TorchTrainee:
    import torch

    from glueharness_finetune.predictor import Predictor
    from glueharness_finetune.pretrained.auto_class import outputs_of
    from glueharness_finetune.pretrained.load import make_empty
    from glueharness_finetune.runtime import Runtime
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.batches import Padding
    from glueharness_finetune.training.lora import WHOLE, Lora
    from glueharness_finetune.training.loss import Loss
    from glueharness_finetune.training.optimiser import make_optimiser
    from glueharness_finetune.training.torch_trainee import TorchTrainee
    from glueharness_finetune.training.weights import load_weights

    for module in told["modules"]:  # which makes an architecture of a plugin known
        importlib.import_module(module)
    settings, task = FinetuneSettings(**told["settings"]), _task(told["task"])
    device, precision, threads = told["runtime"]
    runtime = Runtime(device=torch.device(device), precision=precision, threads=threads)
    classifier = make_empty(Path(told["folder"]), task, settings)
    model, lora = classifier.model, None
    if settings.lora_rank is not None:
        classifier.facts[WHOLE] = told["whole"]
        lora = Lora(classifier, settings, told["folder"])
    targets, *others = tensors
    count = len(told["weights"])
    load_weights(model, dict(zip(told["weights"], others[:count], strict=True)))
    torch.nn.Module.to(model, runtime.device)
    _quicken(model, settings, runtime, told["quickened"])
    predictor = Predictor(
        model=model,
        outputs=outputs_of(task),
        padding=Padding(**told["padding"]),
        runtime=runtime,
        tokens=settings.evaluation_tokens,
    )
    weights = told["class_weights"]
    trainee = TorchTrainee(
        predictor=predictor,
        optimiser=make_optimiser(model, settings, told["rates"]),
        train=rows,
        targets=targets,
        loss=Loss(
            smoothing=told["smoothing"],
            weights=None if weights is None else torch.tensor(weights),
        ),
        settings=settings,
        seed=told["seed"],
        context=Unheard(),
        lora=lora,
        rank=rank,
    )
    trainee.restore(dict(zip(told["state"], others[count:], strict=True)))
    return trainee


def _quicken(model: Any, settings: Any, runtime: Runtime, wanted: Mapping[str, bool]) -> None:
    """Make the model as quick as the first process's is, by the same means.

    Raises:
        ModelError: It cannot be done here.
    """
    from glueharness import ModelError
    from glueharness_finetune.cpu.install import quicken, slow_down

    if not runtime.on_processor:
        return
    done = quicken(model, settings)
    if not any(wanted.values()) and slow_down(model):
        done = dict.fromkeys(done, False)
    if done != dict(wanted):
        raise ModelError(
            f"a helper process computes the model otherwise than the first one: {done}, {wanted}",
            remedy="Use --plain-math.",
        )


def _rows(told: Mapping[str, Any], tensors: Sequence[torch.Tensor]) -> Encoded:
    from glueharness_finetune.tokens.tokenize import Encoded

    ids, offsets, *types = (each.numpy() for each in tensors)
    return Encoded(ids, types[0] if types else None, offsets, told["choices"])


def _task(facts: Mapping[str, Any]) -> TaskSpec:
    """The task, as far as a model depends on it."""
    from glueharness import ACCURACY, SplitSpec, TaskSpec

    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    return TaskSpec(
        **kept,
        title=facts["name"],
        description="What a helper process knows of the task.",
        splits=(SplitSpec(name="train", role="train"), SplitSpec(name="dev", role="dev")),
        metrics=(ACCURACY,),
    )


def main() -> int:
    """Find the process that started this one, and follow it."""
    request = json.loads(sys.stdin.readline())
    end_with_parent()
    if os.getppid() != request["parent"]:
        return 0  # it was gone before this one could ask to be told
    wait_politely()
    from glueharness_finetune.parallel.joining import join_as_helper

    with contextlib.suppress(KeyboardInterrupt):
        serve(join_as_helper(request))
    return 0


if __name__ == "__main__":
    sys.exit(main())
