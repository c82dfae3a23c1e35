"""The dropout rates in a checkpoint's configuration: changed for a run, restored on disk.

How a run trained is a setting of that run. Another run or program that continues from its model
expects the encoder's own rates.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transformers import PretrainedConfig


def set_dropout(config: PretrainedConfig, rate: float | None) -> Mapping[str, float]:
    """Set all dropout rates of a configuration.

    Args:
        config: The configuration.
        rate: The rate; None leaves everything as it is.

    Returns:
        The configuration's own rates, by its names for them; empty if none was changed.
    """
    if rate is None:
        return {}
    own = {
        name: value
        for name, value in config.to_dict().items()
        if ("dropout" in name or name.endswith("pdrop"))
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    }
    _put(config, dict.fromkeys(own, rate))
    return own


@contextmanager
def own_dropout(config: PretrainedConfig, own: Mapping[str, float]) -> Iterator[None]:
    """Restore a configuration's own rates, as :func:`set_dropout` returned them, for a while."""
    during = {name: getattr(config, name) for name in own}
    _put(config, own)
    try:
        yield
    finally:
        _put(config, during)


def _put(config: PretrainedConfig, rates: Mapping[str, float]) -> None:
    for name, rate in rates.items():
        setattr(config, name, rate)
