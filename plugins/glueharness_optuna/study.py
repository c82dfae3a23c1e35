"""A study of Optuna's in the folder of the runs, which a later command continues."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import itertools
import math
import os
import random
import stat
from typing import TYPE_CHECKING, Any, Literal

from glueharness import ConfigError, SearchRange, Trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness import SearchSpace

Method = Literal["tpe", "random"]

_NAME = "search"
_STARTUP_TRIALS = 5
"""Settings that are drawn at random, and run to their end, before any is chosen or stopped."""
_MOST_REPEATS = 10
"""So often settings may be named that were tried already, before others are listed."""
_MOST_LISTED = 20_000
_PIECE_BYTES = 65_536
_NO_WAIT, _NO_LINK = getattr(os, "O_NONBLOCK", 0), getattr(os, "O_NOFOLLOW", 0)
_PATIENT_UNTIL = 2
"""The first epoch after which settings may be stopped: the first one says too little."""


class OptunaSearcher:
    """Suggests settings, and says which runs are not worth their end.

    Args:
        space: What is searched, and where the study is kept.
        method: How settings are chosen.

    Raises:
        ConfigError: Optuna is not installed, or the study cannot be read.
    """

    def __init__(self, space: SearchSpace, method: Method) -> None:
        if importlib.util.find_spec("optuna") is None:
            raise ConfigError(
                "--search needs optuna, which is not installed",
                remedy="Install it: pip install 'glueharness[search]'",
            )
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._method = space, method
        pruner: Any = optuna.pruners.NopPruner()
        if method == "tpe":
            pruner = optuna.pruners.MedianPruner(
                n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=_PATIENT_UNTIL
            )
        open_journal = _journal(str(space.file))
        try:
            _mend(space.file)
            self._study = optuna.create_study(
                study_name=_NAME,
                storage=open_journal(),
                load_if_exists=True,
                direction="maximize",
                pruner=pruner,
            )
            self._frozen = self._study.get_trials(deepcopy=False)
            self._check_points()
        # A damaged journal makes it raise whatever its lines lead to.
        except Exception as error:
            raise ConfigError(
                f"what an earlier search found cannot be read: {error}",
                where=str(space.file),
                remedy="Delete it: the completed runs stay, and are not repeated.",
            ) from error
        self._trials: dict[int, Any] = {}
        self._known: dict[int, set[int]] = {}
        self._repeats = 0

    def _check_points(self) -> None:
        """Refuse settings that nobody let be chosen.

        Raises:
            ValueError: A trial has some.
        """
        for frozen in self._frozen:
            for name, value in frozen.params.items():
                choices = self._space.choices.get(name, ())
                if not (
                    choices.holds(value) if isinstance(choices, SearchRange) else value in choices
                ):
                    raise ValueError(f"{name} = {value!r} is not among what is chosen from")

    def earlier(self) -> list[Trial]:
        """What earlier commands asked for; what they did not live to ask in full is given up."""
        from optuna.trial import Trial as OptunaTrial
        from optuna.trial import TrialState

        found = []
        for frozen in self._frozen:
            whole = set(frozen.params) == set(self._space.choices)
            running = frozen.state == TrialState.RUNNING
            if running and not whole:
                self._study.tell(frozen.number, state=TrialState.FAIL)
            elif whole and frozen.state != TrialState.FAIL:
                if running:
                    self._known[frozen.number] = set(frozen.intermediate_values)
                    self._trials[frozen.number] = OptunaTrial(
                        self._study,
                        frozen._trial_id,  # noqa: SLF001 - its class is made by nothing else
                    )
                found.append(
                    Trial(
                        number=frozen.number,
                        point=dict(frozen.params),
                        open=running,
                        stopped=frozen.state == TrialState.PRUNED,
                    )
                )
        return found

    def ask(self) -> Trial:
        """The next settings to try."""
        number = len(self._study.get_trials(deepcopy=False))
        # The same whether or not the search was interrupted before.
        digest = hashlib.sha256(f"{self._space.seed} {number}".encode()).digest()
        seed = int.from_bytes(digest[:4], "big")
        self._study.sampler = self._sampler(seed)
        if self._repeats >= _MOST_REPEATS and (point := self._untried(seed)) is not None:
            self._study.enqueue_trial(point)
        trial = self._study.ask()
        self._trials[trial.number] = trial
        point = {name: self._suggest(trial, name) for name in self._space.choices}
        return Trial(number=trial.number, point=point)

    def _untried(self, seed: int) -> dict[str, Any] | None:
        """Settings that were not asked for yet; None if there are too many to list.

        Of a few values the estimator names the good ones again and again.
        """
        values = [
            range(int(each.low), int(each.high) + 1) if isinstance(each, SearchRange) else each
            for each in self._space.choices.values()
            if not isinstance(each, SearchRange) or each.whole
        ]
        count = math.prod(map(len, values))
        if len(values) < len(self._space.choices) or count > _MOST_LISTED:
            return None
        tried = [frozen.params for frozen in self._study.get_trials(deepcopy=False)]
        points = [dict(zip(self._space.choices, point, strict=True))
                  for point in itertools.product(*values)]  # fmt: skip
        left = [point for point in points if point not in tried]
        return random.Random(seed).choice(left) if left else None  # noqa: S311 - no secret

    def _sampler(self, seed: int) -> Any:
        import optuna

        if self._method == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        # Settings that are being tried count as bad ones, so that workers try different ones.
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=_STARTUP_TRIALS, constant_liar=True
        )

    def _suggest(self, trial: Any, name: str) -> Any:
        choices = self._space.choices[name]
        if not isinstance(choices, SearchRange):
            return trial.suggest_categorical(name, list(choices))
        if choices.whole:
            return trial.suggest_int(
                name, int(choices.low), int(choices.high), log=choices.logarithmic
            )
        return trial.suggest_float(name, choices.low, choices.high, log=choices.logarithmic)

    def report(self, number: int, epoch: int, score: float) -> bool:
        """Take the score of an epoch; returns whether the run should stop."""
        trial = self._trials[number]
        known = self._known.get(number, set())
        if epoch in known:  # an earlier command has reported it, and may have ended upon the last
            return epoch == max(known) and bool(trial.should_prune())
        trial.report(score, epoch)
        return bool(trial.should_prune())

    def tell(self, number: int, score: float | None, *, stopped: bool = False) -> None:
        """Take how a trial ended: with a score, stopped early, or not to be counted."""
        from optuna.trial import TrialState

        self._repeats = self._repeats + 1 if score is None and not stopped else 0
        if stopped:
            self._study.tell(number, state=TrialState.PRUNED)
        elif score is None:
            self._study.tell(number, state=TrialState.FAIL)
        else:
            self._study.tell(number, score)


def _mend(path: Path) -> None:
    """Take away the last line if it was cut, as by a full disk: what follows would be added to it.

    Raises:
        OSError: It is no file of its own, but a link or a pipe, which could lead anywhere.
    """
    try:
        handle = os.open(path, os.O_RDWR | _NO_WAIT | _NO_LINK)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file")
    with os.fdopen(handle, "r+b") as stream:
        end = size = stream.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _PIECE_BYTES)
            stream.seek(start)
            place = stream.read(end - start).rfind(b"\n")
            if place >= 0:
                end = start + place + 1
                break
            end = start
        if end < size:
            stream.truncate(end)


def _journal(path: str) -> Callable[[], Any]:
    """Opens a file to which lines are added: of the file system it needs no more than that."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    class Held(JournalFileOpenLock):
        """The search has the file to itself; a lock of its own would outlive a killed process."""

        def acquire(self) -> bool:
            """Nobody else is there."""
            return True

        def release(self) -> None:
            """Nobody else is there."""

    return lambda: JournalStorage(JournalFileBackend(path, lock_obj=Held(path)))
