"""glueharness: fine-tune text encoders on GLUE, submit, compare.

What is listed here is what plugins build on. Importing it is cheap: no framework, no plugin.
"""

from glueharness.errors import (
    ConfigError,
    DataError,
    GlueharnessError,
    Interrupted,
    ModelError,
    PluginError,
    RunFolderError,
    SourceUnavailable,
    SpecError,
    SubmissionError,
    UnknownNameError,
)
from glueharness.hookspecs import hookimpl
from glueharness.protocols import (
    DataOptions,
    DataOrigin,
    Evaluation,
    FitContext,
    FloatArray,
    Metric,
    Model,
    Prediction,
    Progress,
    Source,
    Split,
    TaskData,
    Writer,
)
from glueharness.settings import setting
from glueharness.specs import (
    INDEX_COLUMN,
    LABEL_COLUMN,
    CommandSpec,
    DiagnosticSpec,
    Fact,
    MetricSpec,
    ModelContext,
    ModelSpec,
    NoSettings,
    SourceSpec,
    SplitSpec,
    SubmissionFile,
    TaskSpec,
    WriterSpec,
)
from glueharness.table import Table

__version__ = "0.1.0"

__all__ = [
    "INDEX_COLUMN",
    "LABEL_COLUMN",
    "CommandSpec",
    "ConfigError",
    "DataError",
    "DataOptions",
    "DataOrigin",
    "DiagnosticSpec",
    "Evaluation",
    "Fact",
    "FitContext",
    "FloatArray",
    "GlueharnessError",
    "Interrupted",
    "Metric",
    "MetricSpec",
    "Model",
    "ModelContext",
    "ModelError",
    "ModelSpec",
    "NoSettings",
    "PluginError",
    "Prediction",
    "Progress",
    "RunFolderError",
    "Source",
    "SourceSpec",
    "SourceUnavailable",
    "SpecError",
    "Split",
    "SplitSpec",
    "SubmissionError",
    "SubmissionFile",
    "Table",
    "TaskData",
    "TaskSpec",
    "UnknownNameError",
    "Writer",
    "WriterSpec",
    "__version__",
    "hookimpl",
    "setting",
]
