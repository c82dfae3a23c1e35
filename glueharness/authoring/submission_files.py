"""The files of a submission: made from predictions, packed, written all together or not at all."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import ExitStack
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from glueharness.errors import SubmissionError
from glueharness.system.atomic import sync, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from glueharness.specs.submission import Prediction

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time
_UNIX = 3
_PLAIN_FILE = 0o100644


def render_files(
    predictions: Sequence[Prediction], render: Callable[[Prediction], bytes]
) -> dict[str, bytes]:
    """File name to content, in the order of the predictions.

    Args:
        predictions: One for each file.
        render: Makes a file's content from its prediction.

    Raises:
        SubmissionError: Two files have one name, or a name is a path.
    """
    files: dict[str, bytes] = {}
    for prediction in predictions:
        name = prediction.file.name
        if PurePosixPath(name).name != name or "\\" in name:
            raise SubmissionError(f"{name!r} is not a plain file name")
        # Some systems take qnli.tsv and QNLI.tsv for the same file.
        if name.casefold() in {other.casefold() for other in files}:
            raise SubmissionError(f"two predictions are for {name}")
        files[name] = render(prediction)
    return files


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """A zip with every file at its root: equal files give equal bytes at any time on any system."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = _UNIX
            entry.external_attr = _PLAIN_FILE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=6)
    return stream.getvalue()


def manifest_of(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """A JSON file with these facts and the SHA-256 of each file."""
    sums = {name: sha256(content).hexdigest() for name, content in files.items()}
    return f"{json.dumps({**facts, 'sha256': sums}, indent=2, ensure_ascii=False)}\n".encode()


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write the files into a folder, which is made if it is not there: all of them or none.

    Returns:
        Their paths, in the same order.

    Raises:
        SubmissionError: One cannot be written.
    """
    paths = [folder / name for name in files]
    for path in paths:
        if path.is_dir():
            raise SubmissionError("a folder has this name already", where=str(path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            asides = [stack.enter_context(whole_file(path)) for path in paths]
            for aside, content in zip(asides, files.values(), strict=True):
                aside.write_bytes(content)
                sync(aside)  # a full disk must show before the first file gets its name
    except OSError as error:
        raise SubmissionError(
            f"the submission cannot be written: {error.strerror or error}",
            where=str(folder),
            remedy="Free some space or choose another folder with --output.",
        ) from error
    return paths
