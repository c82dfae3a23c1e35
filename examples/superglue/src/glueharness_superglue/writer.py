"""The writer ``superglue``: all files of a submission or none, and the zip for the upload."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from glueharness import SubmissionError
from glueharness.system.atomic import whole_file
from glueharness_superglue.form import ARCHIVE, MANIFEST, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness import Prediction, Report, TaskSpec

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time


class SuperGlueWriter:
    """Writes, packs and checks submissions for the SuperGLUE server."""

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write one file of JSON Lines for each prediction.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        return _write_all(folder, _render_all(predictions))

    def bundle(
        self, predictions: Sequence[Prediction], folder: Path, manifest: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write the files, the zip of them, and beside it the manifest with checksums.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        files = _render_all(predictions)
        packed = _packed(files)
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        sums[ARCHIVE] = hashlib.sha256(packed).hexdigest()
        told = json.dumps({**manifest, "sha256": sums}, indent=2, ensure_ascii=False)
        return _write_all(folder, {ARCHIVE: packed, **files, MANIFEST: f"{told}\n".encode()})

    def check(self, path: Path, tasks: Sequence[TaskSpec]) -> Report:
        """Check one file, a folder or a zip.

        Raises:
            SubmissionError: There is nothing there, or it cannot be read.
        """
        from glueharness_superglue.checker import check

        return check(path, tasks)


def _render_all(predictions: Sequence[Prediction]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for prediction in predictions:
        if prediction.file.name in files:
            raise SubmissionError(f"two predictions are for {prediction.file.name}")
        files[prediction.file.name] = render(prediction)
    return files


def _packed(files: Mapping[str, bytes]) -> bytes:
    """A zip of the files at its root; equal files give an equal zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return stream.getvalue()


def _write_all(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write everything aside first, so that all files appear or none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            asides = [stack.enter_context(whole_file(folder / name)) for name in files]
            for aside, data in zip(asides, files.values(), strict=True):
                aside.write_bytes(data)
    except OSError as error:
        raise SubmissionError(
            f"the submission cannot be written: {error.strerror or error}",
            where=str(folder),
            remedy="Free some space or choose another folder with --output.",
        ) from error
    return [folder / name for name in files]
