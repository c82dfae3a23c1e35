"""Ready-made parts for authors of plugins: data files, layouts of data, metrics.

Plugins may use them or not; the core itself does not.
"""

from glueharness.authoring.csvfiles import CsvForm, csv_source
from glueharness.authoring.datafiles import FileForm
from glueharness.authoring.evaluate_modules import as_evaluate_metric, evaluate_metric
from glueharness.authoring.jsonfiles import jsonl_source
from glueharness.authoring.layouts import HubLayout, TsvLayout
from glueharness.authoring.metrics import ACCURACY, EXACT_MATCH, grouped_metric, metric
from glueharness.authoring.parquetfiles import parquet_source
from glueharness.authoring.standard_metrics import (
    F1,
    MACRO_F1,
    MATTHEWS,
    METRICS,
    PEARSON,
    SPEARMAN,
)

__all__ = [
    "ACCURACY",
    "EXACT_MATCH",
    "F1",
    "MACRO_F1",
    "MATTHEWS",
    "METRICS",
    "PEARSON",
    "SPEARMAN",
    "CsvForm",
    "FileForm",
    "HubLayout",
    "TsvLayout",
    "as_evaluate_metric",
    "csv_source",
    "evaluate_metric",
    "grouped_metric",
    "jsonl_source",
    "metric",
    "parquet_source",
]
