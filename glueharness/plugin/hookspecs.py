"""The hooks: functions that a plugin may implement, marked with ``@glueharness.hookimpl``.

The first fourteen are called once for each plugin, when the registry is built, and return a list.
The others are called for what happens in a run. Their return value is ignored, and an exception in
one of them is reported and never harms the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.events import (
        RunAdjusted,
        RunEvaluated,
        RunFailed,
        RunFinished,
        RunProgress,
        RunStarted,
        RunWarned,
        SweepFinished,
    )
    from glueharness.specs import (
        CommandSpec,
        DiagnosticSpec,
        EngineSpec,
        ExecutorSpec,
        FileKindSpec,
        GroupSpec,
        ModelSpec,
        PresetSpec,
        PublishedSpec,
        SearcherSpec,
        SourceSpec,
        TaskSpec,
        TrackerSpec,
        WriterSpec,
    )

PROJECT = "glueharness"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def glueharness_tasks() -> Sequence[TaskSpec]:  # type: ignore[empty-body]
    """Tasks that the plugin adds."""


@hookspec
def glueharness_models() -> Sequence[ModelSpec]:  # type: ignore[empty-body]
    """Models that the plugin adds."""


@hookspec
def glueharness_sources() -> Sequence[SourceSpec]:  # type: ignore[empty-body]
    """Data sources that several tasks can use."""


@hookspec
def glueharness_writers() -> Sequence[WriterSpec]:  # type: ignore[empty-body]
    """Submission writers that the plugin adds."""


@hookspec
def glueharness_trackers() -> Sequence[TrackerSpec]:  # type: ignore[empty-body]
    """Trackers, which follow the runs that ask for them with ``--track``."""


@hookspec
def glueharness_commands() -> Sequence[CommandSpec]:  # type: ignore[empty-body]
    """Commands that the plugin adds to ``glueharness``."""


@hookspec
def glueharness_groups() -> Sequence[GroupSpec]:  # type: ignore[empty-body]
    """Groups of tasks that are run, submitted and scored together."""


@hookspec
def glueharness_presets() -> Sequence[PresetSpec]:  # type: ignore[empty-body]
    """Named settings that the plugin adds, for ``run --preset NAME``."""


@hookspec
def glueharness_published() -> Sequence[PublishedSpec]:  # type: ignore[empty-body]
    """Published scores, for ``leaderboard --published``."""


@hookspec
def glueharness_diagnostics() -> Sequence[DiagnosticSpec]:  # type: ignore[empty-body]
    """What the plugin can tell ``glueharness doctor`` about this machine."""


@hookspec
def glueharness_engines() -> Sequence[EngineSpec]:  # type: ignore[empty-body]
    """Engines that compute encoders for the models of other plugins, for ``run --engine NAME``."""


@hookspec
def glueharness_file_kinds() -> Sequence[FileKindSpec]:  # type: ignore[empty-body]
    """Kinds of files that describe a plugin, for ``--plugin FILE``: a task needs no Python."""


@hookspec
def glueharness_executors() -> Sequence[ExecutorSpec]:  # type: ignore[empty-body]
    """Places where runs are done, for ``run --executor NAME``."""


@hookspec
def glueharness_searchers() -> Sequence[SearcherSpec]:  # type: ignore[empty-body]
    """Ways to search for settings, for ``run --search N``; the first is taken if none is named."""


@hookspec
def glueharness_run_started(event: RunStarted) -> None:
    """Called when a run has its folder and its data, and is about to train."""


@hookspec
def glueharness_run_adjusted(event: RunAdjusted) -> None:
    """Called when a recipe changes a setting that the user has not given."""


@hookspec
def glueharness_run_progress(event: RunProgress) -> None:
    """Called a few times per second while a run works: phase, units done, loss."""


@hookspec
def glueharness_run_evaluated(event: RunEvaluated) -> None:
    """Called when an epoch is over and the dev splits have been scored."""


@hookspec
def glueharness_run_warned(event: RunWarned) -> None:
    """Called when the run warns of something that the user should not miss."""


@hookspec
def glueharness_run_finished(event: RunFinished) -> None:
    """Called when a run is complete: record, predictions and model are on disk."""


@hookspec
def glueharness_run_failed(event: RunFailed) -> None:
    """Called when a run ends incomplete; the record says whether it failed or was interrupted."""


@hookspec
def glueharness_sweep_finished(event: SweepFinished) -> None:
    """Called when several settings were tried on a task, before the table of them is shown."""
