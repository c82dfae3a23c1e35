"""glueharness: fine-tune text encoders on GLUE, submit, compare.

What is listed here is what plugins build on. Importing it is cheap: no framework, no plugin.
"""

from glueharness.api import API_VERSION
from glueharness.checking import Answer, FileReport, Finding, Report
from glueharness.csvfiles import CsvForm, csv_source
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
from glueharness.metrics import ACCURACY, metric
from glueharness.protocols import (
    Bundler,
    Checker,
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
    PresetSpec,
    SourceSpec,
    SplitSpec,
    SubmissionFile,
    TaskSpec,
    WriterSpec,
)
from glueharness.table import Table

__version__ = "0.1.0"

__all__ = [
    "ACCURACY",
    "API_VERSION",
    "INDEX_COLUMN",
    "LABEL_COLUMN",
    "Answer",
    "Bundler",
    "Checker",
    "CommandSpec",
    "ConfigError",
    "CsvForm",
    "DataError",
    "DataOptions",
    "DataOrigin",
    "DiagnosticSpec",
    "Evaluation",
    "Fact",
    "FileReport",
    "Finding",
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
    "PresetSpec",
    "Progress",
    "Report",
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
    "csv_source",
    "hookimpl",
    "metric",
    "setting",
]
