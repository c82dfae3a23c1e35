"""The writer ``superglue``: all files of a submission or none, and the zip for the upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness.authoring.submission_files import (
    manifest_of,
    render_files,
    write_files,
    zip_files,
)
from glueharness_superglue.form import ARCHIVE, MANIFEST, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness import Prediction, Report, TaskSpec


class SuperGlueWriter:
    """Writes, packs and checks submissions for the SuperGLUE server."""

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write one file of JSON Lines for each prediction.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        return write_files(folder, render_files(predictions, render))

    def bundle(
        self, predictions: Sequence[Prediction], folder: Path, manifest: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write the files, the zip of them, and beside it the manifest with checksums.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        files = render_files(predictions, render)
        files = {ARCHIVE: zip_files(files), **files}
        return write_files(folder, {**files, MANIFEST: manifest_of(files, manifest)})

    def check(self, path: Path, tasks: Sequence[TaskSpec]) -> Report:
        """Check one file, a folder or a zip.

        Raises:
            SubmissionError: There is nothing there, or it cannot be read.
        """
        from glueharness_superglue.checker import check

        return check(path, tasks)
