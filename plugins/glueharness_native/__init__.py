"""A native engine for BERT-shaped encoders on processors: forward, backward and AdamW in C++.

The sources lie in ``source/`` and are compiled when the package is installed, into one library for
each instruction set. Where there is none that the processor can run, everything is as without this
package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import DiagnosticSpec, EngineSpec, Fact, hookimpl

if TYPE_CHECKING:
    from glueharness import EncoderEngine, EngineRequest


@hookimpl
def glueharness_engines() -> list[EngineSpec]:
    """BERT-shaped encoders on processors."""
    return [
        EngineSpec(
            name="native",
            description="BERT-shaped encoders on processors, in C++.",
            objection=_objection,
            factory=_make,
            settle=_settle,
            slower=_slower,
        )
    ]


def _objection(request: EngineRequest) -> str:
    from glueharness_native.engine import objection

    return objection(request)


def _make(request: EngineRequest) -> EncoderEngine:
    from glueharness_native.engine import make

    return make(request)


def _settle(request: EngineRequest) -> EngineRequest:
    from glueharness_native.engine import settle

    return settle(request)


def _slower(request: EngineRequest) -> str:
    from glueharness_native.engine import slower

    return slower(request)


@hookimpl
def glueharness_diagnostics() -> list[DiagnosticSpec]:
    """Whether the engine can be used here, and which of its libraries."""
    return [DiagnosticSpec(name="native engine", factory=_facts)]


def _facts(offline: bool) -> list[Fact]:  # noqa: ARG001 - nothing is asked of the network
    from glueharness_native.library import NoLibrary, best_library

    try:
        library = best_library()
    except NoLibrary as reason:
        return [
            Fact(
                name="native engine",
                value=f"not in use: {reason}",
                remedy="Training works without it, at a lower speed. With g++ on the path, "
                "install glueharness again.",
            )
        ]
    formats = "fp32 and bf16" if library.bf16 else "fp32"
    return [Fact(name="native engine", value=f"{library.name}, {formats}")]
