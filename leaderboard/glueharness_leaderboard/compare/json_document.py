"""A comparison as JSON; scores, differences and intervals are fractions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness_leaderboard.ranking.settings import settings_of_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.compare.comparison import Difference, Pair
    from glueharness_leaderboard.compare.verdict import Findings


def document(findings: Findings) -> dict[str, Any]:
    """The comparison in full, JSON-able."""
    conditions = findings.section.conditions
    return {
        "task": conditions.task,
        "version": conditions.version,
        "marks": list(conditions.marks),
        "metric": conditions.metric,
        "dev": [
            {"name": split.name, "rows": split.rows, "fingerprint": split.fingerprint}
            for split in conditions.dev
        ],
        "contestants": [
            {
                "label": each.label,
                "model": each.model,
                "runs": [run.id for run in each.runs],
                "seeds": [run.seed for run in each.runs],
                "score": row.primary,
                "standard_deviation": row.deviation(),
                "interval": _list(row.interval),
                "settings": settings_of_run(each.runs[0]),
            }
            for each, row in zip(findings.contestants, findings.section.rows, strict=True)
        ],
        "comparisons": [_pair(findings, pair) for pair in findings.pairs],
        "remarks": findings.remarks(),
    }


def _pair(findings: Findings, pair: Pair) -> dict[str, Any]:
    return {
        "first": findings.contestants[pair.first].label,
        "second": findings.contestants[pair.second].label,
        "verdict": pair.verdict,
        "sentence": findings.verdict(pair),
        "differences": [_difference(each) for each in pair.differences],
        "rows": {
            split: {
                "both_right": found.both,
                "only_first_right": found.first,
                "only_second_right": found.second,
                "neither_right": found.neither,
                "mcnemar_exact_p": pair.tests[split].exact,
                "mcnemar_mid_p": pair.tests[split].mid,
            }
            for split, found in pair.agreements.items()
        },
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "split": difference.split or None,
        "metric": difference.metric,
        "first": _number(difference.first),
        "second": _number(difference.second),
        "difference": _number(difference.value),
        "interval": _list(difference.interval),
        "p": difference.p,
        "p_corrected": difference.p_corrected,
        "test": difference.test,
        "resamples": difference.resamples,
    }


def _number(value: float) -> float | None:
    """JSON has no "not a number"."""
    return value if math.isfinite(value) else None


def _list(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else list(values)
