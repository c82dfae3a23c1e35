"""Ready-made parts for authors of plugins: a source of CSV files, and accuracy.

Plugins may use them or not; the core itself does not.
"""

from glueharness.authoring.csvfiles import CsvForm, csv_source
from glueharness.authoring.metrics import ACCURACY, metric

__all__ = ["ACCURACY", "CsvForm", "csv_source", "metric"]
