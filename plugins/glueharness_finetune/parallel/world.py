"""``World``: the processes that train together, and how they talk.

Every message is a broadcast, and carries JSON and tensors: no pickle, so that whoever else may
reach the port can make nobody run anything. All processes take part in each, in the same order.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from glueharness import ModelError
from glueharness_finetune.training.trainee import HelperLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PATIENCE = timedelta(days=14)
"""How long a process waits for another that is there but has nothing to say: between two runs the
first may tokenize millions of texts. One that is gone is noticed at once."""
_FIRST = 0
_LOOKS_AT_ONCE, _SECONDS_BETWEEN_LOOKS, _SECONDS_TO_LEARN_WHY = 50, 0.0002, 1.0


@dataclass(slots=True)
class World:
    """Processes that train together.

    Attributes:
        rank: Which one this is; 0 is the first.
        size: How many there are.
        channel: The group over which they talk, in main memory.
        check_helpers: Raises :class:`HelperLost` if a helper that this process started is gone.
        leave: Gives up what joining took.
        broken: Whether an exchange was left half done, after which no other can follow.
    """

    rank: int
    size: int
    channel: Any
    check_helpers: Callable[[], None] = lambda: None
    leave: Callable[[], None] = lambda: None
    broken: bool = field(default=False)

    @property
    def first(self) -> bool:
        """Whether this is the first process."""
        return self.rank == _FIRST

    @contextlib.contextmanager
    def exchange(self) -> Iterator[None]:
        """A region in which the processes do something in step; leaving it early breaks the world.

        Raises:
            HelperLost: Another process is gone, or the world was broken before.
        """
        if self.broken:
            raise HelperLost("the processes that train together are no longer in step")
        self.broken = True
        yield
        self.broken = False

    def say(self, content: Mapping[str, Any], tensors: Sequence[torch.Tensor] = ()) -> None:
        """Tell all others something."""
        forms = [[str(each.dtype).removeprefix("torch."), list(each.shape)] for each in tensors]
        text = json.dumps({"content": content, "tensors": forms}).encode()
        self._broadcast(torch.tensor([len(text)]), self.rank)
        self._broadcast(torch.frombuffer(bytearray(text), dtype=torch.uint8), self.rank)
        for each in tensors:
            if each.numel():
                self._broadcast(each.detach().contiguous().cpu(), self.rank)

    def hear(self, source: int = _FIRST) -> tuple[dict[str, Any], list[torch.Tensor]]:
        """What another process says."""
        length = torch.zeros(1, dtype=torch.int64)
        self._broadcast(length, source)
        text = torch.empty(int(length), dtype=torch.uint8)
        self._broadcast(text, source)
        told = json.loads(text.numpy().tobytes())
        tensors = []
        for name, shape in told["tensors"]:
            tensors.append(torch.empty(shape, dtype=getattr(torch, name)))
            if tensors[-1].numel():
                self._broadcast(tensors[-1], source)
        return told["content"], tensors

    def agree(self, error: Exception | None = None, facts: Sequence[int] = ()) -> list[int]:
        """Learn whether all processes did their part.

        Args:
            error: Why this one did not; None if it did.
            facts: Numbers that are added up over all processes.

        Returns:
            Their sums.

        Raises:
            Exception: One did not; the first process raises what it was, the others their own.
        """
        told = torch.zeros(self.size + len(facts), dtype=torch.int64)
        told[self.rank] = int(error is not None)
        told[self.size :] = torch.tensor(list(facts), dtype=torch.int64)
        self._done(distributed.all_reduce, told, group=self.channel)
        failed = [rank for rank in range(self.size) if told[rank]]
        if not failed:
            return [int(each) for each in told[self.size :]]
        words = _in_words(failed[0], error) if failed[0] == self.rank else {}
        if failed[0] == self.rank:
            self.say(words)
        else:
            words, _ = self.hear(failed[0])
        self.broken = False  # all know, and can go on
        if self.first and error is not None:
            raise error
        raise ModelError(words["what"], remedy=words["remedy"])

    def add_up(self, values: torch.Tensor) -> None:
        """Put the sum over all processes in the place of the values, ``[n]`` in float32."""
        group = None if values.device.type == "cuda" else self.channel
        self._done(distributed.all_reduce, values, group=group)

    def _broadcast(self, values: torch.Tensor, source: int) -> None:
        self._done(distributed.broadcast, values, src=source, group=self.channel)

    def _done(self, collective: Callable[..., Any], values: torch.Tensor, **where: Any) -> None:
        """Do something together with all others, and wait until it is done.

        Python cannot be interrupted while it waits in PyTorch: the first process looks now and then
        instead, so that Ctrl-C reaches it although a helper hangs.
        """
        try:
            work = collective(values, async_op=True, **where)
            if self.first and values.device.type == "cpu":
                looks = 0
                while not work.is_completed():
                    looks += 1
                    if looks > _LOOKS_AT_ONCE:
                        self.check_helpers()
                        time.sleep(_SECONDS_BETWEEN_LOOKS)
            work.wait()
        except RuntimeError as error:
            end = time.monotonic() + (_SECONDS_TO_LEARN_WHY if self.first else 0)
            while time.monotonic() < end:  # its connection ends a little before it does
                self.check_helpers()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            raise HelperLost("one of the processes that train together is gone") from error


def _in_words(rank: int, error: Exception | None) -> dict[str, str]:
    if isinstance(error, ModelError):
        return {"what": error.what, "remedy": error.remedy}
    return {"what": f"process {rank} failed: {type(error).__name__}: {error}", "remedy": ""}
