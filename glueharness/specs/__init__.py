"""What a plugin tells the core: frozen facts and lazy factories.

A spec is data. Making one imports nothing heavy; the factory in it is called only when a run
needs the thing itself, so that listing two hundred tasks costs no more than listing two.
"""

from glueharness.specs.group import GroupSpec, PresetSpec, PublishedSpec, Scores
from glueharness.specs.model import ModelContext, ModelSpec, NoSettings
from glueharness.specs.services import (
    CommandSpec,
    DiagnosticSpec,
    Fact,
    SourceSpec,
    TrackerSpec,
    WriterSpec,
)
from glueharness.specs.task import (
    INDEX_COLUMN,
    LABEL_COLUMN,
    Location,
    MetricSpec,
    Role,
    SplitSpec,
    SubmissionFile,
    TaskSpec,
)

__all__ = [
    "INDEX_COLUMN",
    "LABEL_COLUMN",
    "CommandSpec",
    "DiagnosticSpec",
    "Fact",
    "GroupSpec",
    "Location",
    "MetricSpec",
    "ModelContext",
    "ModelSpec",
    "NoSettings",
    "PresetSpec",
    "PublishedSpec",
    "Role",
    "Scores",
    "SourceSpec",
    "SplitSpec",
    "SubmissionFile",
    "TaskSpec",
    "TrackerSpec",
    "WriterSpec",
]
