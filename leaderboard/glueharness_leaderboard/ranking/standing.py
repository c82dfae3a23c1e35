"""What the statistics say of one row of the leaderboard, and of a table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the statistics say of one row.

    Attributes:
        low: The best rank that it may have; 0 if it has no rank.
        high: The worst.
        interval: 95 % interval of the score; None if it has none.
        p_best: p of the difference from the first row, uncorrected; 1 for the first row.
        seeds: Where its spread over seeds is from: ``pool``, ``own`` (larger than the others'),
            ``borrowed`` (it has one run), ``none`` (all its runs agree), or empty where nothing is
            known of seeds.
        constant: How many of its runs say the same for every row.
        optimism: How far its score is expected to be too high because the best epoch was picked,
            a fraction; None if no epoch was picked or it is not known.
    """

    low: int
    high: int
    interval: tuple[float, float] | None
    p_best: float
    seeds: str
    constant: int
    optimism: float | None

    @property
    def may_be_best(self) -> bool:
        """Whether no other row is shown to be better."""
        return self.low == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """What the statistics say of a table.

    Attributes:
        rows: By row of the table; None for one that could not be measured.
        detectable: Difference from the first row that would show with a power of 80 %, the
            median over the others, a fraction; None for fewer than two rows.
        more_seeds: How many seeds each would show less, and what; None where nothing is known of
            seeds.
        luck: How far the first row is expected to be too high for being the first of those that
            may be best, a fraction.
        pool_degrees: Degrees of freedom of the pooled spread over seeds; 0 if nobody has two.
        spread_ratio: Largest spread over seeds by the pool's; 1 if all share it.
        left_out: Rows beyond those that are tested.
        refused: Positions of rows whose predictions do not give their score, or cannot be read.
    """

    rows: tuple[Standing | None, ...]
    detectable: float | None = None
    more_seeds: tuple[int, float] | None = None
    luck: float = 0.0
    pool_degrees: float = 0.0
    spread_ratio: float = 1.0
    left_out: int = 0
    refused: tuple[int, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return dataclasses.asdict(self)

    @classmethod
    def of_document(cls, values: dict[str, Any]) -> Standings:
        """From what :meth:`document` gave.

        Raises:
            TypeError: It is something else.
        """
        rows = tuple(
            None
            if row is None
            else Standing(**{**row, "interval": row["interval"] and tuple(row["interval"])})
            for row in values["rows"]
        )
        more = values["more_seeds"]
        return cls(
            **{
                **values,
                "rows": rows,
                "more_seeds": more and (more[0], more[1]),
                "refused": tuple(values["refused"]),
            }
        )
