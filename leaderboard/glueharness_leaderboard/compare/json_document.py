"""A comparison as JSON and as rows of CSV; scores, differences and intervals are fractions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness_leaderboard.compare.what_differs import what_differs
from glueharness_leaderboard.ranking.settings import settings_of_run, system_of, weights_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.compare.comparison import Compared, Pair
    from glueharness_leaderboard.compare.verdict import Findings


def document(findings: Findings) -> dict[str, Any]:
    """The comparison in full, JSON-able."""
    conditions = findings.section.conditions
    return {
        "task": conditions.task,
        "version": conditions.version,
        "marks": list(conditions.marks),
        "metric": conditions.metric,
        "ranked_by": list(findings.section.counted),
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
                "score": row.value,
                "standard_deviation": row.deviation(),
                "interval": _list(row.interval),
                "epochs_tried": row.epochs_tried,
                "settings": settings_of_run(each.runs[0]),
                "weights": weights_of(each.runs[0]),
                "system": system_of(each.runs[0]),
            }
            for each, row in zip(findings.contestants, findings.section.rows, strict=True)
        ],
        "comparisons": [_pair(findings, pair) for pair in findings.pairs],
        "what_differs": [
            {"kind": fact.kind, "name": fact.name, "values": list(fact.values)}
            for fact in what_differs(findings.contestants)
        ],
        "remarks": findings.remarks(),
    }


def flat(findings: Findings) -> list[dict[str, Any]]:
    """One mapping for each pair and metric, for CSV."""
    return [
        {
            "task": findings.section.conditions.task,
            "first": findings.contestants[pair.first].label,
            "first_model": findings.contestants[pair.first].model,
            "second": findings.contestants[pair.second].label,
            "second_model": findings.contestants[pair.second].model,
            "split": each.quantity.split,
            "metric": each.quantity.metric or " + ".join(findings.section.counted),
            "first_score": _number(each.first),
            "second_score": _number(each.second),
            "difference": _number(each.difference.value),
            "interval_low": low,
            "interval_high": high,
            "p": _number(each.difference.p),
            "p_corrected": _number(each.difference.p_corrected),
            "tested_for": each.tested,
            "verdict": each.difference.verdict,
        }
        for pair in findings.pairs
        for each in pair.differences
        for low, high in [_ends(each) or (None, None)]
    ]


def _pair(findings: Findings, pair: Pair) -> dict[str, Any]:
    return {
        "first": findings.contestants[pair.first].label,
        "second": findings.contestants[pair.second].label,
        "verdict": pair.verdict,
        "sentence": findings.verdict(pair),
        "selection_factor": pair.selection,
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


def _difference(each: Compared) -> dict[str, Any]:
    found = each.difference
    return {
        "split": each.quantity.split or None,
        "metric": each.quantity.metric or None,
        "first": _number(each.first),
        "second": _number(each.second),
        "difference": _number(found.value),
        "interval": _list(_ends(each)),
        "p": _number(found.p),
        "p_corrected": _number(found.p_corrected),
        "tested_for": each.tested,
        "verdict": found.verdict,
        "variance_rows": found.components.rows,
        "variance_seeds": found.components.seeds,
        "degrees_of_freedom": _number(found.components.degrees),
    }


def _ends(each: Compared) -> tuple[float, float] | None:
    return each.difference.interval if math.isfinite(each.difference.value) else None


def _number(value: float) -> float | None:
    """JSON has no "not a number"."""
    return value if math.isfinite(value) else None


def _list(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else list(values)
