"""``glueharness lengths``."""

from __future__ import annotations

from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

import click

from glueharness import DataOptions
from glueharness.cli.app import App, json_option
from glueharness.cli.output import make_table, print_json, stdout
from glueharness.data.opening import open_data

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="lengths")
@click.argument("task")
@click.option("--data", default="auto", help="Source of the data: auto, or a source's name.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Data folder.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, task: str, data: str, data_dir: Path | None, *, as_json: bool
) -> None:
    """Say how many words the texts of TASK have: median, 95th percentile, longest."""
    registry = App.of(ctx).registry
    spec = registry.task(task)
    options = DataOptions(source=data, folder=data_dir)
    opened = open_data(spec, options, registry.sources_for(spec)).data
    found = []
    for name in opened.available:
        split = opened.load(name)
        for column in spec.columns:
            counts = [len(text.split()) for text in split[column]]
            found.append({"split": name, "column": column, **summary(counts)})
    if as_json:
        print_json(found)
        return
    rows = [[str(value) for value in line.values()] for line in found]
    stdout().print(make_table("", ["split", "column", "median", "95 %", "longest"], rows))


def summary(counts: Sequence[int]) -> dict[str, int]:
    """Median, 95th percentile and maximum, in words."""
    if len(counts) == 1:
        return {"median": counts[0], "percentile_95": counts[0], "longest": counts[0]}
    cuts = quantiles(counts, n=100, method="inclusive")
    return {
        "median": round(cuts[49]), "percentile_95": round(cuts[94]), "longest": max(counts)
    }  # fmt: skip
