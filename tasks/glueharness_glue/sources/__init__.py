"""The three places that GLUE's data can come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import SourceSpec

if TYPE_CHECKING:
    from glueharness import Source


def _folder() -> Source:
    from glueharness_glue.sources.tsv import TsvSource

    return TsvSource()


def _hub() -> Source:
    from glueharness_glue.sources.hub import HubSource

    return HubSource()


def _sample() -> Source:
    from glueharness_glue.sources.sample import SampleSource

    return SampleSource()


SOURCES = (
    SourceSpec(
        name="dir",
        description="The official GLUE files in a folder (--data-dir).",
        factory=_folder,
        order=10,
    ),
    SourceSpec(
        name="hub",
        description="The Hugging Face hub or its cache, at a pinned revision.",
        factory=_hub,
        order=20,
    ),
    SourceSpec(
        name="sample",
        description="Made-up sentences that come with the program: for a first try only.",
        factory=_sample,
        order=90,
    ),
)
"""In the order of ``--data auto``."""
