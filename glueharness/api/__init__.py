"""The commands as Python functions, for notebooks and scripts: `run`, `evaluate`, and others.

``from glueharness import run, evaluate, leaderboard`` is the way to them.
"""

from __future__ import annotations

from glueharness.api.commands import leaderboard
from glueharness.api.completed import Run, Runs
from glueharness.api.running import evaluate, run
from glueharness.api.submitting import Submitted, submit

__all__ = ["Run", "Runs", "Submitted", "evaluate", "leaderboard", "run", "submit"]
