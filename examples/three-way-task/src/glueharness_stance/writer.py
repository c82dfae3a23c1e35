"""One CSV file per prediction, with the columns id and stance."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from glueharness import SubmissionError
from glueharness.system.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness import Prediction


class CsvWriter:
    """Writes the CSV files."""

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write each prediction's file; nothing is written unless all are complete.

        Raises:
            SubmissionError: A row is missing or repeated, or a file cannot be written.
        """
        texts = {folder / one.file.name: _render(one) for one in predictions}
        try:
            for path, text in texts.items():
                write_text(path, text)
        except OSError as error:
            raise SubmissionError(f"cannot be written: {error}", where=str(folder)) from error
        return list(texts)


def _render(prediction: Prediction) -> str:
    rows = dict(zip(prediction.index, prediction.values, strict=True))
    if sorted(rows) != list(range(len(prediction.values))):
        raise SubmissionError(f"{prediction.file.name}: the rows are not 0, 1, 2 and so on")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "stance"])
    for index, value in sorted(rows.items()):
        writer.writerow([index, prediction.file.values.get(str(value), value)])
    return text.getvalue()
