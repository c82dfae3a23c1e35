"""Ready-made parts for authors of plugins: CSV files, layouts of data, metrics.

Plugins may use them or not; the core itself does not.
"""

from glueharness.authoring.csvfiles import CsvForm, csv_source
from glueharness.authoring.evaluate_modules import as_evaluate_metric, evaluate_metric
from glueharness.authoring.layouts import HubLayout, TsvLayout
from glueharness.authoring.metrics import ACCURACY, metric

__all__ = [
    "ACCURACY",
    "CsvForm",
    "HubLayout",
    "TsvLayout",
    "as_evaluate_metric",
    "csv_source",
    "evaluate_metric",
    "metric",
]
