"""Fetch files of a repository into the client's cache, and see that they arrived as they are."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness_hub.quiet import quiet_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glueharness_hub.request import Kind

_PIECE = 1 << 20


class DamagedDownload(Exception):  # noqa: N818 - says what it is
    """A file arrived with another content than the hub says it has."""


def download(
    kind: Kind, name: str, revision: str, patterns: Sequence[str], *, bars: bool = False
) -> Path:
    """Fetch the files that fit, and check those that were not there before.

    The client checks only their sizes: what a cache on the way got wrong would pass.

    Args:
        kind: ``"models"`` or ``"datasets"``.
        name: The repository's id.
        revision: Branch, tag or commit; empty for the main branch.
        patterns: Shell patterns of the paths to fetch.
        bars: Whether the client may draw its progress bars.

    Returns:
        The folder of the snapshot, which is named after the commit.

    Raises:
        DamagedDownload: A content is not the one that the hub told of. It is removed.
        Exception: The download broke off; see :func:`glueharness_hub.explain`.
    """
    from huggingface_hub import constants, snapshot_download

    blobs = Path(constants.HF_HUB_CACHE) / f"{kind}--{name.replace('/', '--')}" / "blobs"
    before = set(blobs.iterdir()) if blobs.is_dir() else set()
    with quiet_client(), nullcontext() if bars else _no_bars():
        folder = Path(
            snapshot_download(
                name,
                repo_type=kind.removesuffix("s"),
                # By its name, not its commit: else the cache would not know what it stands for.
                revision=revision or None,
                allow_patterns=list(patterns),
            )
        )
    for link in sorted(folder.rglob("*")):
        blob = link.resolve()
        if link.is_file() and blob.parent == blobs.resolve() and blobs / blob.name not in before:
            _check(link, blob)
    return folder


@contextmanager
def _no_bars() -> Iterator[None]:
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()


def _check(link: Path, blob: Path) -> None:
    """Compare a content with the name that the hub gave it: its hash, by git or by Git LFS."""
    if _is_hash(blob.name, 64):
        digest = hashlib.sha256()
    elif _is_hash(blob.name, 40):
        digest = hashlib.sha1(b"blob %d\0" % blob.stat().st_size, usedforsecurity=False)
    else:
        return
    with blob.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    if digest.hexdigest() != blob.name:
        link.unlink()
        blob.unlink()
        raise DamagedDownload(f"{link.name} arrived with another content than the hub says it has")


def _is_hash(name: str, length: int) -> bool:
    return len(name) == length and set(name) <= set("0123456789abcdef")
