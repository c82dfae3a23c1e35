"""Ids of runs: making, shortening and finding them."""

from __future__ import annotations

import re
import secrets
import unicodedata
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


def new_run_id(task: str, model: str, now: datetime) -> str:
    """A readable id that sorts by time: ``qnli-bert-tiny-20261122-164512-1f3a``."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", Path(model.replace(":", "/")).name).strip("-.") or "model"
    return f"{task}-{name[:40]}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def short_names(ids: Collection[str]) -> dict[str, str]:
    """For each run id the shortest ending, in whole words, that it is found by."""
    endings = Counter(ending for run in ids for ending in _endings(run))
    in_order = sorted(ids)

    def begins_another(ending: str, run: str) -> bool:
        place = bisect_left(in_order, ending)
        return any(
            found.startswith(ending) and found != run for found in in_order[place : place + 2]
        )

    return {
        run: next(
            (
                ending
                for ending in _endings(run)
                if endings[ending] == 1 and not begins_another(ending, run)
            ),
            run,
        )
        for run in ids
    }


def _endings(run: str) -> list[str]:
    words = run.split("-")
    return ["-".join(words[start:]) for start in range(len(words) - 1, -1, -1)]


def answers_to(run: str, name: str) -> bool:
    """Whether ``name`` is a run's id, or its beginning, or its ending in whole words.

    A file system may keep an ``é`` as one letter or as two, whatever was typed.
    """
    if not (run.isascii() and name.isascii()):
        run, name = unicodedata.normalize("NFC", run), unicodedata.normalize("NFC", name)
    return run.startswith(name) or run.endswith(f"-{name}")
