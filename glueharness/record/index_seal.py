"""What the rows of the index are sealed with: a key of the user's, and the code that read them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from glueharness.system.user_files import read_untrusted
from glueharness.system.user_folders import config_folder

_KEY_BYTES = 32


@functools.cache
def code_that_reads() -> str:
    """A hash of what reads records and sums them up: rows of other code are passed over."""
    import msgspec

    digest = hashlib.blake2b(msgspec.__version__.encode(), digest_size=16)
    with contextlib.suppress(OSError):  # imported from an archive: msgspec's version is all
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def user_key() -> bytes | None:
    """The user's key, made when it is first needed; None if there is no place for it."""
    try:
        path = config_folder() / "index.key"
        with contextlib.suppress(FileNotFoundError):
            return _whole(read_untrusted(path, _KEY_BYTES))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".index.key.")  # only for the user
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(_KEY_BYTES))
            with contextlib.suppress(FileExistsError):  # another process was quicker
                os.link(aside, path)
        finally:
            Path(aside).unlink(missing_ok=True)
        return _whole(read_untrusted(path, _KEY_BYTES))
    except (OSError, RuntimeError):  # no home folder, one that may only be read, no hard links
        return None


def _whole(key: bytes) -> bytes | None:
    return key if len(key) == _KEY_BYTES else None
