"""What an answer of the hub means, and what to do about it."""

from __future__ import annotations

import errno
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 300
_CHUNKS = re.compile(r"HTTP status \w+ error \((\d{3})[^)]*\), domain: (https?://[^/\s]+)")
_AGAIN = "Run the same command again: files that have arrived are kept."
_NO_HUB = (
    "Check HF_ENDPOINT, and whether a proxy or the sign-in page of a network answers in its place."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An error of the hub's client, in words.

    Attributes:
        what: Half a sentence that follows the name of what was asked for.
        remedy: What to do.
    """

    what: str
    remedy: str


def explain(error: BaseException, name: str) -> Explanation:
    """Say what went wrong and what to do.

    Args:
        error: What the client, or a library on top of it, raised.
        name: The repository that was asked for.
    """
    from huggingface_hub import constants

    hub = str(constants.ENDPOINT)
    for cause in chain(error):
        response = getattr(cause, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int):
            return _of_status(status, response, hub, name)
    return _of_chunks(error) or _of_files(error) or _of_connection(error, hub)


def _of_chunks(error: BaseException) -> Explanation | None:
    """What the client of the chunk store (hf_xet) says in one long line."""
    found = _CHUNKS.search(str(error))
    if found is None:
        return None
    status, place = found[1], found[2]
    return Explanation(
        what=f"the hub's store of large files, {place}, answers {status}",
        remedy=f"{_AGAIN} HF_HUB_DISABLE_XET=1 takes another way to the same files.",
    )


def _of_files(error: BaseException) -> Explanation | None:
    """What cannot be written or read on this machine."""
    for cause in chain(error):
        if isinstance(cause, OSError) and (cause.filename or cause.errno == errno.ENOSPC):
            where = f": {cause.filename}" if cause.filename else ""
            return Explanation(
                what=f"{cause.strerror or type(cause).__name__}{where}",
                remedy="The hub's cache must be a folder that can be written to and has room: "
                "HF_HOME names it.",
            )
    return None


def _of_status(status: int, response: Any, hub: str, name: str) -> Explanation:
    """What a status says; in the names of the hub's own error codes where it gives one."""
    code = response.headers.get("X-Error-Code", "")
    place = _place_of(response, hub)
    if status in {401, 403}:
        return _refused(status, code, place, response, f"{hub}/{_page(response, name)}")
    if status == 407:
        return Explanation(
            what="the proxy wants a password (407)",
            remedy="Put user and password into HTTPS_PROXY, or except the hub with NO_PROXY.",
        )
    if status in {404, 410}:
        return _not_found(code, place, name)
    attempts = ", after several attempts" if place == hub else ""
    if status in {408, 429}:
        return Explanation(
            what=f"{place} takes no more requests for now ({status}){attempts}",
            remedy=f"Run the same command again in a few minutes. {_token_helps()}",
        )
    if status >= 500:
        return Explanation(
            what=f"{place} has a fault for now ({status}){attempts}",
            remedy="Run the same command again in a few minutes: files that have arrived are kept.",
        )
    return Explanation(what=f"{place} answers {status}", remedy=_NO_HUB)


def _refused(status: int, code: str, place: str, response: Any, page: str) -> Explanation:
    """For want of a token, of rights, or of a repository: the hub does not say which."""
    sent = "authorization" in getattr(response.request, "headers", {})
    if code == "GatedRepo":
        return Explanation(
            what=f"{place} gives it only to those who asked for access ({status})",
            remedy=f"Ask for access at {page}, then log in (hf auth login) or set HF_TOKEN.",
        )
    if status == 403:
        return Explanation(
            what=f"{place} does not allow it (403)",
            remedy="Take a token that may read this repository: HF_TOKEN, or hf auth login.",
        )
    if sent:
        return Explanation(
            what=f"{place} does not accept the token (401)",
            remedy="Set HF_TOKEN to a valid token, or log in again: hf auth login. "
            "hf auth whoami shows whose token it is.",
        )
    return Explanation(
        what=f"{place} wants a token (401)",
        remedy="Log in (hf auth login) or set HF_TOKEN. A repository that does not exist is "
        "refused in the same way: check the name.",
    )


def _not_found(code: str, place: str, name: str) -> Explanation:
    if code == "RevisionNotFound":
        return Explanation(
            what=f"{place} has {name}, but not this revision of it (404)",
            remedy="A mirror may be older than the revision that is asked for: check HF_ENDPOINT.",
        )
    if code == "EntryNotFound":
        return Explanation(what=f"{place} has {name}, but not this file (404)", remedy=_NO_HUB)
    if code == "RepoNotFound":
        return Explanation(
            what=f"{place} has no {name}, or does not show it to you (404)",
            remedy="Check the name, the token (HF_TOKEN) and HF_ENDPOINT.",
        )
    return Explanation(what=f"{place} does not know it (404)", remedy=_NO_HUB)


def _of_connection(error: BaseException, hub: str) -> Explanation:
    """What it means that there is no answer, or none that can be read."""
    causes = list(chain(error))
    asked = _asked(causes) or hub
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    for kinds, what, remedy in (
        (
            {"SSLCertVerificationError"},
            f"the certificate of {asked} is not trusted",
            (
                "Where a network puts its own certificate in front of the hub, SSL_CERT_FILE names "
                "the file with it."
            ),
        ),
        (
            {"SSLError"},
            f"no encrypted connection to {asked}: {in_words(error)}",
            "Check HF_ENDPOINT: whether it is https:// or http://, and its port.",
        ),
        (
            {"ProxyError"},
            f"the proxy does not let {hub} through: {in_words(error)}",
            "Check HTTPS_PROXY, or except the hub with NO_PROXY.",
        ),
        (
            {"UnsupportedProtocol", "InvalidURL"},
            f"an address cannot be read: that of the hub, {hub}, or that of a proxy",
            "Check HF_ENDPOINT, HTTPS_PROXY and ALL_PROXY: they begin with https:// or http://.",
        ),
        (
            {"UnicodeEncodeError"},
            "the token holds a character that no token has",
            "Copy it again, into HF_TOKEN or for hf auth login.",
        ),
        (
            {"ConnectError", "ConnectTimeout"},
            f"{asked} cannot be reached: {in_words(error)}",
            (
                f"{_AGAIN} The large files of the hub lie on other hosts: a firewall must let them "
                "through too."
            ),
        ),
        (
            {"TimeoutError", "TimeoutException"},
            f"{asked} was connected to and has not answered in time",
            (
                "Run the same command again; HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT give "
                "it more seconds."
            ),
        ),
        (
            {"JSONDecodeError", "KeyError", "FileMetadataError", "TooManyRedirects"},
            f"the answer of {asked} is not that of a hub",
            _NO_HUB,
        ),
    ):
        if names & kinds:
            return Explanation(what=what, remedy=remedy)
    return Explanation(what=in_words(error), remedy=_AGAIN)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that led to it, from the last to the first."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting.extend(cause for cause in (one.__context__, one.__cause__) if cause is not None)


def in_words(error: BaseException) -> str:
    """The first line of an error without its number, and, where it has none, its kind.

    A token never gets into a message: a library may quote the header that it did not like.
    """
    lines = str(error).strip().splitlines()
    text = lines[0].strip() if lines else ""
    if text.startswith("[Errno"):
        text = text.partition("] ")[2] or text
    token = _token()
    if token:
        text = text.replace(token, "(the token)")
    return text[:_LONGEST] or type(error).__name__


def _token() -> str:
    from huggingface_hub import get_token

    try:
        return get_token() or ""
    except OSError:  # its file cannot be read: that is told by the error itself
        return ""


def _token_helps() -> str:
    return "" if _token() else "With a token (hf auth login, or HF_TOKEN) the hub allows more."


def _place_of(response: Any, hub: str) -> str:
    """Who answered: the hub, or the server that it sent the client to."""
    url = str(getattr(response, "url", "") or "")
    if not url or url.startswith(hub):
        return hub
    return "/".join(url.split("/")[:3])


def _asked(causes: list[BaseException]) -> str:
    """The address of the server that a transport's error is about; empty if it says none."""
    for cause in causes:
        with suppress(RuntimeError, AttributeError):  # it has none
            url = str(cause.request.url)  # type: ignore[attr-defined]
            return "/".join(url.split("/")[:3])
    return ""


def _page(response: Any, name: str) -> str:
    return f"datasets/{name}" if "/datasets/" in str(getattr(response, "url", "")) else name
