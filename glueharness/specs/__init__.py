"""Specs: what a plugin tells the core, each beside the protocol that its factory must return.

A spec is data. Making one imports nothing heavy; the factory in it is called only when a run
needs the thing itself, so that listing two hundred tasks costs no more than listing two.
Nothing to inherit: a factory may return any object with the methods of its protocol.
"""

from glueharness.specs.data import (
    INDEX_COLUMN,
    LABEL_COLUMN,
    DataOptions,
    DataOrigin,
    FloatArray,
    Remarked,
    Role,
    Split,
    SplitSpec,
    TaskData,
)
from glueharness.specs.engine import EncoderEngine, EngineRequest, EngineSpec, Schedule, TokenRows
from glueharness.specs.group import GroupSpec, PresetSpec, PublishedSpec, Scores
from glueharness.specs.model import (
    FRESH,
    Evaluation,
    Fingerprint,
    Fingerprinted,
    FitContext,
    Model,
    ModelContext,
    ModelSpec,
    NoSettings,
    Progress,
)
from glueharness.specs.services import CommandSpec, DiagnosticSpec, Fact, TrackerSpec
from glueharness.specs.submission import (
    Answer,
    Bundler,
    Checker,
    FileReport,
    Finding,
    Prediction,
    Report,
    Writer,
    WriterSpec,
    worst,
)
from glueharness.specs.task import (
    Location,
    Metric,
    MetricSpec,
    Source,
    SourceSpec,
    SubmissionFile,
    TaskSpec,
)

__all__ = [
    "FRESH",
    "INDEX_COLUMN",
    "LABEL_COLUMN",
    "Answer",
    "Bundler",
    "Checker",
    "CommandSpec",
    "DataOptions",
    "DataOrigin",
    "DiagnosticSpec",
    "EncoderEngine",
    "EngineRequest",
    "EngineSpec",
    "Evaluation",
    "Fact",
    "FileReport",
    "Finding",
    "Fingerprint",
    "Fingerprinted",
    "FitContext",
    "FloatArray",
    "GroupSpec",
    "Location",
    "Metric",
    "MetricSpec",
    "Model",
    "ModelContext",
    "ModelSpec",
    "NoSettings",
    "Prediction",
    "PresetSpec",
    "Progress",
    "PublishedSpec",
    "Remarked",
    "Report",
    "Role",
    "Schedule",
    "Scores",
    "Source",
    "SourceSpec",
    "Split",
    "SplitSpec",
    "SubmissionFile",
    "TaskData",
    "TaskSpec",
    "TokenRows",
    "TrackerSpec",
    "Writer",
    "WriterSpec",
    "worst",
]
