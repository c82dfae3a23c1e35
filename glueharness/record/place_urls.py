"""Which end of a sync a folder or a URL names, and the way to it: :func:`open_place`."""

from __future__ import annotations

import importlib.util
import posixpath
import re
import unicodedata
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError
from glueharness.record.places import LocalPlace
from glueharness.record.remote import RemotePlace, failures
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.record.places import Place

_MARK = "://"
_SSH = frozenset({"ssh", "sftp"})
_HERE = frozenset({"file", "local"})
_EXTRAS = {
    **dict.fromkeys(("ssh", "sftp"), ("sshfs", "ssh")),
    **dict.fromkeys(("s3", "s3a"), ("s3fs", "s3")),
}
"""Of protocols that an extra is for: the library, and the extra."""
_NO_STORES = frozenset(
    {
        "memory", "data", "dir", "reference", "generic", "zip", "tar", "libarchive",
        "simplecache", "filecache", "blockcache", "cached", "async_wrapper", "asyncwrapper",
        "asynclocal",
    }
)  # fmt: skip
"""What fsspec has that is gone with the process, or only another form of something else."""
_LIKE_A_URL = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)
_LOGIN = re.compile(
    r"(?:(?P<user>[^:@]*)(?::(?P<password>.*))?@)?"
    r"(?:\[(?P<address>[^\[\]]+)\]|(?P<host>[^\[\]:@]+))(?::(?P<port>\d{1,5}))?"
)
_SECONDS_TO_CONNECT, _SECONDS_BETWEEN_SIGNS = 30, 15


def open_place(text: str) -> Place:
    """One end of a sync: a folder of this machine, or what is behind a URL.

    Args:
        text: The folder, or the URL.

    Raises:
        ConfigError: Nothing here knows the protocol, or a library is missing.
        RunFolderError: Nobody answers there, or lets us in.
    """
    if not text.strip():
        raise ConfigError("an end of the sync has no name", remedy="Name a folder, or a URL.")
    if "\0" in text:
        raise ConfigError("no folder has such a name", where=printable(text))
    protocol, mark, rest = text.partition(_MARK)
    protocol = protocol.lower()
    if not mark:
        _refuse_half_a_url(text)
        return LocalPlace(Path(text))
    if protocol in _HERE:
        here = rest.removeprefix("localhost") if rest.startswith("localhost/") else rest
        return LocalPlace(Path(urllib.request.url2pathname(here)))
    name = without_password(text)
    _require(protocol, name)
    _check_signs(text, name)
    if not rest.partition("/")[0]:
        raise ConfigError(
            "this URL names no host or bucket",
            where=name,
            remedy=f"Write {protocol}{_MARK}NAME/FOLDER.",
        )
    if protocol in _SSH:
        given, folder = _ssh_address(rest, name)
        _require_folder(folder, name, protocol)
    with failures(name, "it cannot be reached", _help(protocol)):
        if protocol in _SSH:
            files = _open_ssh(given)
        else:
            files, folder = _open_other(text)
            _require_folder(folder, name, protocol)
    return RemotePlace(name, files, folder.rstrip("/"), moves=protocol in _SSH)


def without_password(url: str) -> str:
    """A URL for messages and marks."""
    protocol, _, rest = url.partition(_MARK)
    place, slash, folder = rest.partition("/")
    user, at, host = place.rpartition("@")
    name, colon, _ = user.partition(":")
    question = ""
    if protocol.lower() not in _SSH:  # which have nothing but the folder there
        folder, question, _ = folder.partition("?")  # which may hold a key
    hidden = f"{protocol}{_MARK}{name}{colon and ':…'}{at}{host}{slash}{folder}"
    return printable(hidden + (question and "?…"))


def _require_folder(folder: str, name: str, protocol: str) -> None:
    """Make sure that a folder is named, and not all that a server has.

    Raises:
        ConfigError: It is not.
    """
    if posixpath.normpath(f"/{folder.lstrip('/')}") == "/":
        raise ConfigError(
            "this URL names no folder", where=name, remedy=f"Write {protocol}{_MARK}…/FOLDER."
        )


def _refuse_half_a_url(text: str) -> None:
    """Refuse ``s3:team/runs``, which would become a folder here.

    Raises:
        ConfigError: It begins as a URL does.
    """
    found = _LIKE_A_URL.match(text)
    if found is None or Path(text).exists():
        return
    from fsspec.registry import known_implementations

    protocol = found[1].lower()
    if protocol in {*known_implementations, *_EXTRAS}:
        rest = text[found.end() :].lstrip("/")
        raise ConfigError(
            f"{printable(text)!r} is half a URL",
            remedy=f"Write {protocol}{_MARK}{printable(rest)}; or ./{printable(text)} for a "
            "folder of this name.",
        )


def _check_signs(text: str, name: str) -> None:
    """Refuse signs that libraries drop from a URL without a word, as line feeds are.

    Raises:
        ConfigError: There is one.
    """
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text):
        raise ConfigError(
            "this URL has signs that no URL can have",
            where=name,
            remedy="Leave out line feeds and the like; or rename the folder.",
        )


def _require(protocol: str, name: str) -> None:
    """Make sure that the protocol is one, and its library there.

    Raises:
        ConfigError: It is not.
    """
    import fsspec
    from fsspec.registry import known_implementations

    no_store = protocol in _NO_STORES
    if no_store or protocol not in {*fsspec.available_protocols(), *_EXTRAS}:
        raise ConfigError(
            f"{printable(protocol)!r} is no protocol for a folder of runs"
            + (": nothing lasts there" if protocol == "memory" else ""),
            where=name,
            remedy="Name a folder, or a URL: ssh://HOST/FOLDER, s3://BUCKET/FOLDER.",
        )
    if protocol in _EXTRAS:
        library, extra = _EXTRAS[protocol]
        package = f"'glueharness[{extra}]'"
    else:  # the library of one that others wrote is named as its module
        kind = known_implementations.get(protocol, {}).get("class", "fsspec")
        library = package = kind.partition(".")[0]
    if importlib.util.find_spec(library) is None:
        raise ConfigError(
            f"{protocol}{_MARK} needs {library}, which is not installed",
            remedy=f"Install it: pip install {package}",
        )


def _help(protocol: str) -> str:
    if protocol in _SSH:
        return "Log in with ssh once: its host key must be known, your key must open it."
    return "Address and credentials are those of the library: see its documentation."


def _ssh_address(rest: str, name: str) -> tuple[dict[str, Any], str]:
    """How to log in, and the folder, in which ``#`` and ``?`` are letters as any other.

    Raises:
        ConfigError: It does not say a host.
    """
    login, _, folder = rest.partition("/")
    found = _LOGIN.fullmatch(login)
    port = int(found["port"] or 22) if found else 0
    if found is None or not 0 < port < 65_536:
        raise ConfigError(
            "this URL does not say host and port",
            where=name,
            remedy="Write ssh://USER@HOST:PORT/FOLDER; the port may be left out.",
        )
    given: dict[str, Any] = {"host": found["address"] or found["host"]}
    if found["port"]:
        given["port"] = port
    if found["user"]:
        given["username"] = urllib.parse.unquote(found["user"])
    if found["password"]:
        given["password"] = urllib.parse.unquote(found["password"])
    home, slash, below = folder.partition("/")
    if home == "~":
        return given, below if slash else ""
    return given, f"/{folder}"


def _open_ssh(given: Mapping[str, Any]) -> Any:
    """By sshfs, not by fsspec's own class, which trusts every host's key."""
    from fsspec.asyn import get_loop
    from sshfs import SSHFileSystem

    # Of a lost connection whoever waits for an answer is told. What else was under way would print
    # its traceback when it is thrown away.
    get_loop().set_exception_handler(lambda _loop, _context: None)
    return SSHFileSystem(
        **given,
        known_hosts=(),  # those of ~/.ssh; None would let everybody pretend to be the host
        connect_timeout=_SECONDS_TO_CONNECT,
        keepalive_interval=_SECONDS_BETWEEN_SIGNS,
        skip_instance_cache=True,
    )


def _open_other(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    files, folder = url_to_fs(url)
    return files, str(folder)
