"""What a run took, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glueharness.record.record import MeasuredRecord, RunRecord

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def speed(measured: MeasuredRecord | None) -> str:
    """Rows and steps per second, and how many steps there were."""
    if measured is None:
        return ""
    train, steps = measured.train_rows_per_second, measured.train_steps_per_second
    parts = [
        f"training {_rounded(train)} rows/s" if train else "",
        f"{_rounded(steps)} steps/s" if steps else "",
        f"predicting {_rounded(measured.predict_rows_per_second)} rows/s"
        if measured.predict_rows_per_second
        else "",
        f"{measured.steps:,} steps" if measured.steps else "",
    ]
    return " \u00b7 ".join(filter(None, parts))


def size(measured: MeasuredRecord | None) -> str:
    """Parameters and peak memory."""
    if measured is None:
        return ""
    parts = [
        f"{measured.parameters:,} parameters" if measured.parameters else "",
        f"peak memory {in_bytes(measured.peak_memory_bytes)}" if measured.peak_memory_bytes else "",
        f"{in_bytes(measured.peak_gpu_memory_bytes)} on the GPU"
        if measured.peak_gpu_memory_bytes
        else "",
    ]
    return " \u00b7 ".join(filter(None, parts))


def losses(record: RunRecord) -> str:
    """Mean training loss and dev losses."""
    measured = record.measured
    train = measured.train_loss if measured is not None else None
    parts = [f"training {train:.4f}"] if train is not None else []
    parts += [f"{split} {loss:.4f}" for split, loss in record.losses.items()]
    return ", ".join(parts)


def in_bytes(count: int) -> str:
    """A size in decimal units: ``412 MB``."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
