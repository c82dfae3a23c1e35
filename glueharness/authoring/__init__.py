"""Ready-made parts for authors of plugins: CSV files, layouts of data, metrics from functions.

Plugins may use them or not; the core itself does not.
"""

from glueharness.authoring.csvfiles import CsvForm, csv_source
from glueharness.authoring.layouts import HubLayout, TsvLayout
from glueharness.authoring.metrics import ACCURACY, metric

__all__ = ["ACCURACY", "CsvForm", "HubLayout", "TsvLayout", "csv_source", "metric"]
