"""A native engine for BERT-shaped encoders on processors: forward, backward and AdamW in C++.

The sources lie in ``source/`` and are compiled when the package is installed, into one library for
each instruction set. Where there is none that the processor can run, everything is as without this
package.
"""

from __future__ import annotations

from glueharness import DiagnosticSpec, Fact, hookimpl


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
