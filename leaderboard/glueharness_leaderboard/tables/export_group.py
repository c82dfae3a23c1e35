"""A group's table as JSON and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness.scoring.group_score import mean_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.specs import GroupSpec, PublishedSpec
    from glueharness_leaderboard.tables.group import GroupTable


def group_document(table: GroupTable) -> dict[str, Any]:
    """A group's table, JSON-able; fractions."""
    return {
        "group": table.group.name,
        "marks": list(table.marks),
        "rows": [
            {
                "model": row.model,
                "score": row.score,
                "standard_deviation": row.deviation,
                "interval": list(row.standing.interval) if row.standing else None,
                "ranks": [row.standing.low, row.standing.high] if row.standing else None,
                "may_be_best": row.standing.may_be_best if row.standing else None,
                "best_of_settings": row.standing.settings if row.standing else None,
                "selection": row.standing.selection if row.standing else None,
                "tasks": {
                    name: {
                        "scores": mean_scores(found.runs),
                        "standard_deviation": found.deviation(),
                        "seeds": list(found.seeds),
                        "runs": [run.id for run in found.runs],
                    }
                    for name, found in row.tasks.items()
                },
            }
            for row in table.rows
        ],
        "left_out": list(table.left_out),
    }


def group_flat(table: GroupTable) -> list[dict[str, Any]]:
    """A group's table, one mapping a row, for CSV; fractions."""
    return [
        {
            "group": table.group.name,
            "marks": " ".join(table.marks),
            "model": row.model,
            "score": row.score,
            "standard_deviation": row.deviation,
            "interval_low": row.standing.interval[0] if row.standing else None,
            "interval_high": row.standing.interval[1] if row.standing else None,
            "rank_low": row.standing.low if row.standing else None,
            "rank_high": row.standing.high if row.standing else None,
            "tasks": len(row.tasks),
            **{
                f"{name}:{split}:{metric}": value
                for name, found in row.tasks.items()
                for split, values in mean_scores(found.runs).items()
                for metric, value in values.items()
            },
        }
        for row in table.rows
    ]


def published_group_flat(group: GroupSpec, specs: Sequence[PublishedSpec]) -> list[dict[str, Any]]:
    """Published rows of a group, one mapping a row, for CSV; fractions."""
    return [
        {
            "group": group.name,
            "marks": " ".join(
                ["published", *(f"{name}-{version}" for name, version in spec.versions.items())]
            ),
            "model": spec.name,
            "score": spec.group_score,
            "tasks": sum(name in group.tasks for name in spec.scores),
            **{
                f"{name}:{split}:{metric}": value
                for name, splits in spec.scores.items()
                for split, values in splits.items()
                for metric, value in values.items()
            },
            "source": spec.source,
        }
        for spec in specs
    ]
