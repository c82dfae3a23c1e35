"""Asks many things of a server at once, and waits for no answer forever."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_READERS = 8
_SECONDS = 120.0

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class NoAnswerError(Exception):
    """Nothing was answered for two minutes, though the connection stands."""


def read_at_once(
    ask: Callable[[Question], Answer],
    questions: Sequence[Question],
    seconds: float = _SECONDS,
) -> Iterator[Answer | Exception]:
    """The answers, or what was raised instead, in the order of the questions.

    The threads that ask are no reason for the process to stay: Ctrl-C ends it although a server
    never answers.

    Args:
        ask: Asks one question.
        questions: The questions.
        seconds: How long no answer may come before that is the last one.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    told: queue.SimpleQueue[tuple[int, Answer | Exception]] = queue.SimpleQueue()
    for number in range(len(questions)):
        waiting.put(number)

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                told.put((number, ask(questions[number])))
            except Exception as error:  # noqa: BLE001 - the asker raises it
                told.put((number, error))

    for _ in range(min(_READERS, len(questions))):
        threading.Thread(target=work, daemon=True).start()
    found: dict[int, Answer | Exception] = {}
    for number in range(len(questions)):
        while number not in found:
            try:
                place, answer = told.get(timeout=seconds)
            except queue.Empty:
                yield NoAnswerError()
                return
            found[place] = answer
        yield found.pop(number)
