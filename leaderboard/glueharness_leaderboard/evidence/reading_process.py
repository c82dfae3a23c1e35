"""A process that reads predictions for another one, which asks on its standard input.

Started by :mod:`glueharness_leaderboard.evidence.reading_together`. Question and answer are
pickled: one process was started by the other, so they are no strangers.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.evidence.stored_predictions import Reads, Sharing, Wanted


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Read what is asked for until nothing more is asked."""
    from glueharness_leaderboard.evidence.reading_together import READY
    from glueharness_leaderboard.evidence.stored_predictions import Sharing

    sharing = Sharing()
    answers.write(READY)
    answers.flush()
    while True:
        try:
            asked: list[list[Wanted]] = pickle.load(questions)  # noqa: S301 - of the parent
        except EOFError:
            return
        pickle.dump([_read(run, sharing) for run in asked], answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _read(run: Sequence[Wanted], sharing: Sharing) -> Reads | None:
    """What a run predicted; None where it cannot be read: the parent sees for itself, and tells."""
    from glueharness.errors import RunFolderError
    from glueharness_leaderboard.evidence.stored_predictions import read_files

    try:
        return sharing.of(read_files(run))
    except (RunFolderError, MemoryError):
        return None


def main() -> None:
    """Serve the parent; it says when to end by closing the input, also where Ctrl-C ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    with os.fdopen(os.dup(1), "wb") as answers:
        # Whatever a library prints does not get into the answers.
        os.dup2(2, 1)
        try:
            serve(sys.stdin.buffer, answers)
        except BrokenPipeError:  # nobody waits for the answer any more
            os._exit(1)


if __name__ == "__main__":
    main()
