"""What every process does of a step and of a scoring: its share, and the exchange of results.

Shapes: n = rows of a split, b = rows of a step, m = sequences of a share, k = outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glueharness import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from glueharness import FloatArray
    from glueharness_finetune.parallel.world import World
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.torch_trainee import Batch, TorchTrainee


def share_of(rows: npt.NDArray[np.int64], world: World) -> npt.NDArray[np.int64]:
    """This process's rows of a step, ``[b]``; there may be none."""
    return rows[world.rank :: world.size]


def do_step(
    trainee: TorchTrainee,
    world: World,
    rows: npt.NDArray[np.int64],
    inputs: Sequence[Batch],
    number: int,
) -> torch.Tensor:
    """One optimiser step over all processes' rows; returns their mean loss.

    Each process takes the gradient of its rows' part of the mean over all rows, so that the sum
    over the processes is the gradient that one process alone would find, however uneven the parts.

    Args:
        trainee: The model with its optimiser, the same in all processes.
        world: The processes.
        rows: The rows of the step, ``[b]``.
        inputs: What this process's share of them is computed from.
        number: Steps done before.
    """
    loss, error = torch.zeros(()), None
    try:
        loss = trainee.gradient(share_of(rows, world), inputs, number, trainee.weight_of(rows))
    except Exception as problem:  # noqa: BLE001 - the others are waiting to hear of it
        error = problem
    learning = [each for each in trainee.model.parameters() if each.requires_grad]
    # What no process has a gradient for must not move; what another one has must move here, too.
    present = world.agree(error, [each.grad is not None for each in learning])
    moved = [each for each, count in zip(learning, present, strict=True) if count]
    parts = [torch.zeros_like(each) if each.grad is None else each.grad for each in moved]
    # One exchange for all: the sum is the same, and there is one wait.
    flat = torch.cat([*(part.float().flatten() for part in parts), loss.reshape(1).to(parts[0])])
    world.add_up(flat)
    done = 0
    for each in moved:
        each.grad = flat[done : done + each.numel()].view_as(each).to(each.dtype)
        done += each.numel()
    trainee.move(number)
    return flat[-1].clone()


def score(
    trainee: TorchTrainee,
    world: World,
    encoded: Encoded,
    advance: Callable[[int], None] | None = None,
) -> FloatArray:
    """Score a split together: every batch is one process's, as one process alone would have it.

    Args:
        trainee: The model, the same in all processes.
        world: The processes.
        encoded: The rows.
        advance: Told how many rows are done; it may raise to stop.

    Returns:
        The scores of all rows in the first process; in the others what they know of them.

    Raises:
        ModelError: A row was scored twice or not at all, or the processes' weights differ.
    """
    share, error = (np.zeros(0, np.int64), np.zeros((0, 1), np.float32)), None
    try:
        share = trainee.share_of_scores(encoded, (world.rank, world.size), advance)
    except ModelError as problem:
        error = problem
    world.agree(error)
    own = fingerprint_of(trainee)
    parts = [share]
    for rank in range(1, world.size):
        if rank == world.rank:
            world.say({"weights": own}, [torch.from_numpy(each) for each in share])
            continue
        told, (sequences, values) = world.hear(rank)
        parts.append((sequences.numpy(), values.numpy()))
        if world.first and told["weights"] != own:
            world.broken = False
            raise ModelError(
                f"the weights of process {rank} have come apart from those of the first",
                remedy="This should not happen: please report it. A checkpoint of before is kept.",
            )
    if not world.first:
        return share[1]
    places = np.concatenate([part[0] for part in parts])
    if not np.array_equal(np.sort(places), np.arange(len(encoded.lengths))):
        raise ModelError("some rows were scored twice or not at all; please report this")
    return trainee.predictor.placed(encoded, places, np.concatenate([part[1] for part in parts]))


def fingerprint_of(trainee: TorchTrainee) -> int:
    """A number that differs, but for very rare accidents, if a weight differs in any bit."""
    found = 0
    for place, values in enumerate(trainee.weights().values(), 1):
        bits: Any = values.detach()
        bits = bits.view(torch.int32) if bits.dtype is torch.float32 else bits.long()
        found += place * int(bits.sum(dtype=torch.int64))
    return found % 2**63
