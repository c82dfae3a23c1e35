"""The writer ``glue``: writes all files of a submission, or none."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from glueharness import SubmissionError
from glueharness.system.atomic import sync, whole_file
from glueharness_submission.archive import write_zip
from glueharness_submission.form import ARCHIVE, MANIFEST, render, written_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness import Prediction, Report, TaskSpec


class GlueWriter:
    """Writes, packs and checks submissions for the GLUE server."""

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write one TSV file per prediction into ``folder``.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        return _write_all(folder, _render_all(predictions))

    def bundle(
        self, predictions: Sequence[Prediction], folder: Path, manifest: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write the TSV files, ``submission.zip``, and a manifest with their SHA-256 checksums.

        Raises:
            SubmissionError: A prediction is not complete, or a file cannot be written.
        """
        files = _render_all(predictions)
        return _write_all(folder, files, manifest)

    def check(self, path: Path, tasks: Sequence[TaskSpec]) -> Report:
        """Check one TSV file, a folder or a zip.

        Raises:
            SubmissionError: There is nothing there, or it cannot be read.
        """
        from glueharness_submission.checker import check

        return check(path, tasks)


def _render_all(predictions: Sequence[Prediction]) -> dict[str, bytes]:
    """File name to content.

    Raises:
        SubmissionError: Two files have one name, or a name is a path.
    """
    files: dict[str, bytes] = {}
    for prediction in predictions:
        name = prediction.file.name
        if PurePosixPath(name).name != name or "\\" in name:
            raise SubmissionError(f"{name!r} is not a plain file name")
        if name.casefold() in {other.casefold() for other in files}:
            raise SubmissionError(f"two predictions are for {name}")
        files[name] = render(written_values(prediction))
    return files


def _write_all(
    folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any] | None = None
) -> list[Path]:
    """Write everything to temporary files first, and rename them when all are on the disk."""
    written = [folder / name for name in files]
    for path in [*written, folder / ARCHIVE, folder / MANIFEST]:
        if path.is_dir():
            raise SubmissionError("a folder has this name already", where=str(path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            asides = [stack.enter_context(whole_file(path)) for path in written]
            for aside, data in zip(asides, files.values(), strict=True):
                aside.write_bytes(data)
            if manifest is not None:
                archive = folder / ARCHIVE
                packed = stack.enter_context(whole_file(archive))
                write_zip(packed, files)
                sums = {ARCHIVE: _sum(packed.read_bytes())}
                sums.update({name: _sum(data) for name, data in files.items()})
                beside = stack.enter_context(whole_file(folder / MANIFEST))
                text = json.dumps({**manifest, "sha256": sums}, indent=2, ensure_ascii=False)
                beside.write_bytes(text.encode("utf-8") + b"\n")
                written = [archive, *written, folder / MANIFEST]
                asides += [packed, beside]
            for aside in asides:
                sync(aside)  # a full disk must show before the first file gets its name
    except OSError as error:
        raise SubmissionError(
            f"the submission cannot be written: {error.strerror or error}",
            where=str(folder),
            remedy="Free some space or choose another folder with --output.",
        ) from error
    return written


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
