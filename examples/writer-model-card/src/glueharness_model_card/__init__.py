"""The writer ``model-card``: a Hugging Face model card with ``model-index`` metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import WriterSpec, hookimpl

if TYPE_CHECKING:
    from glueharness import Writer

requires_api = "1.0"


def _make() -> Writer:
    from glueharness_model_card.writer import ModelCardWriter

    return ModelCardWriter()


@hookimpl
def glueharness_writers() -> list[WriterSpec]:
    """One writer."""
    return [
        WriterSpec(
            name="model-card",
            description="README.md for the hub: the run's dev scores as text and as metadata.",
            factory=_make,
        )
    ]
