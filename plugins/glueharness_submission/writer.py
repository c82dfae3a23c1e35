"""The writer ``glue``: writes all files of a submission, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness.authoring.submission_files import (
    manifest_of,
    render_files,
    write_files,
    zip_files,
)
from glueharness_submission.form import ARCHIVE, MANIFEST, render, written_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness import Prediction, Report, TaskSpec


class GlueWriter:
    """Writes, packs and checks submissions for the GLUE server."""

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write one TSV file per prediction into ``folder``.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        return write_files(folder, render_files(predictions, _render))

    def bundle(
        self, predictions: Sequence[Prediction], folder: Path, manifest: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write the TSV files, ``submission.zip``, and a manifest with their SHA-256 checksums.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        files = render_files(predictions, _render)
        files = {ARCHIVE: zip_files(files), **files}
        return write_files(folder, {**files, MANIFEST: manifest_of(files, manifest)})

    def check(self, path: Path, tasks: Sequence[TaskSpec]) -> Report:
        """Check one TSV file, a folder or a zip.

        Raises:
            SubmissionError: There is nothing there, or it cannot be read.
        """
        from glueharness_submission.checker import check

        return check(path, tasks)


def _render(prediction: Prediction) -> bytes:
    return render(written_values(prediction))
