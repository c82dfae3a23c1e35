"""The first question to the hub: can it be connected to, and does it have the repository?"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from glueharness_hub.explanation import chain, in_words
from glueharness_hub.quiet import quiet_client

if TYPE_CHECKING:
    from types import ModuleType

Kind = Literal["models", "datasets"]
_Method = Literal["GET", "HEAD"]

_CONNECT_SECONDS = 4.0
"""For one address of the hub; a second packet is sent after one second, a third after three."""
_REACH_SECONDS = 6.0
"""For looking the name up and all addresses together."""
_ANSWER_SECONDS = 60.0
"""What the client itself allows a slow hub, where its shorter first limit was not enough."""
_REMEMBER_SECONDS = 60.0
"""For how long a hub that could not be connected to is not tried again: data, weights and the
next task of a group ask within seconds of each other."""

_RETRIES = 5
"""The client's own number, for answers that ask to come back: 429 and the server's faults."""

_lately: dict[str, tuple[float, str]] = {}


class Unreachable(Exception):  # noqa: N818 - a condition, not a defect
    """No connection to the hub can be made: it is absent. Its text is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """What the hub says of a repository.

    Attributes:
        commit: The commit that the revision stands for.
        files: Paths of its files.
    """

    commit: str
    files: frozenset[str]


def endpoint() -> str:
    """The hub's address: ``HF_ENDPOINT``, or huggingface.co."""
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def why_not_asked(*, offline: bool) -> str:
    """Why the network must not be used; empty if it may.

    Args:
        offline: Whether the user said ``--offline``.
    """
    from huggingface_hub import constants

    if offline:
        return "the network is not to be used (--offline)"
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in constants.ENV_VARS_TRUE_VALUES:
            return f"the network is not to be used ({name} is set)"
    return ""


def why_unreachable() -> str:
    """Why no connection to the hub can be made; empty if one can, whatever it will answer."""
    try:
        _begin(endpoint(), "HEAD", retries=0)
    except Unreachable as reason:
        return str(reason)
    return ""


def ask(kind: Kind, name: str, revision: str = "") -> Repository:
    """Ask the hub about a repository, waiting for it and trying again as its client does.

    Args:
        kind: ``"models"`` or ``"datasets"``.
        name: The repository's id.
        revision: Branch, tag or commit; empty for the main branch.

    Raises:
        Unreachable: No connection can be made; known within a few seconds.
        Exception: The hub answered otherwise, or not in time; see
            :func:`glueharness_hub.explain`.
    """
    from urllib.parse import quote

    address = f"{endpoint()}/api/{kind}/{quote(name)}"
    if revision:
        address += f"/revision/{quote(revision, safe='')}"
    response = _request(address)
    found = response.json()
    return Repository(
        commit=str(found["sha"]),
        files=frozenset(str(item["rfilename"]) for item in found.get("siblings") or ()),
    )


@dataclass(slots=True)
class _Attempt:
    """A request that goes on in another thread.

    Attributes:
        connected: Set once there is a connection, or the request is over.
        over: Set once the request is over.
        reached: Whether there was a connection.
        response: The answer.
        error: What was raised in its place.
    """

    connected: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    reached: bool = False
    response: Any = None
    error: BaseException | None = None

    def trace(self, event: str, _: Any) -> None:
        """Hear from the transport what it does."""
        # To the hub, or to the proxy in front of it: the first words are about to be sent.
        if ".send_request" in event or event.endswith(".send_connection_init.started"):
            self.reached = True
            self.connected.set()


def _request(address: str) -> Any:
    """Send one request with the client, and wait for the answer as it does."""
    with quiet_client():
        attempt = _begin(address, "GET", retries=_RETRIES)
        attempt.over.wait()
    if attempt.error is not None:
        raise attempt.error
    return attempt.response


def _begin(address: str, method: _Method, retries: int) -> _Attempt:
    """Begin a request, and return when there is a connection, or something else was raised.

    Looking a name up cannot be told to stop, so the request is made in a thread that is left
    behind if there is no connection in time.
    """
    place = endpoint()
    when, reason = _lately.get(place, (0.0, ""))
    if reason and time.monotonic() - when < _REMEMBER_SECONDS:
        raise Unreachable(reason)
    attempt = _Attempt()
    threading.Thread(
        target=_send, args=(attempt, method, address, retries), name="hub", daemon=True
    ).start()
    if not attempt.connected.wait(_reach_seconds()):
        raise _absent(place, f"no connection within {_reach_seconds():g} s")
    error = attempt.error
    if error is not None and not attempt.reached and _is_absence(error):
        raise _absent(place, in_words(error)) from error
    return attempt


def _absent(place: str, reason: str) -> Unreachable:
    _lately[place] = (time.monotonic(), reason)
    return Unreachable(reason)


def _reach_seconds() -> float:
    """The limit for a connection; more if the user gives the client more."""
    from huggingface_hub import constants

    told = os.environ.get("HF_HUB_ETAG_TIMEOUT", "").isdigit()
    return max(_REACH_SECONDS, float(constants.HF_HUB_ETAG_TIMEOUT) if told else 0.0)


def _send(attempt: _Attempt, method: _Method, address: str, retries: int) -> None:
    from huggingface_hub import constants

    client: Any = import_module("huggingface_hub.utils")  # which lists little of what it offers
    answer = max(_ANSWER_SECONDS, float(constants.HF_HUB_ETAG_TIMEOUT))
    connect = max(_CONNECT_SECONDS, _reach_seconds() - _REACH_SECONDS)
    broken = _transport()
    try:
        response = client.http_backoff(
            method,
            address,
            max_retries=retries,
            headers=client.build_hf_headers(),
            timeout=(connect, answer, answer, answer),
            # A hub that cannot be connected to is not tried again and again; a connection that
            # broke is.
            retry_on_exceptions=(broken.ReadError, broken.RemoteProtocolError),
            extensions={"trace": attempt.trace},
        )
        client.hf_raise_for_status(response)
        attempt.response = response
    except BaseException as error:  # noqa: BLE001 - raised again by who waits for it
        attempt.error = error
    finally:
        attempt.over.set()
        attempt.connected.set()


def _transport() -> ModuleType:
    """The client's HTTP library, whose errors it lets through: ``httpx``, or its successor."""
    from huggingface_hub.errors import HfHubHTTPError

    base = next(kind for kind in HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError")
    return import_module(base.__module__.partition(".")[0])


def _is_absence(error: BaseException) -> bool:
    """Whether an error says that there is nothing to connect to."""
    import ssl

    causes = list(chain(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return False  # something answers, with a certificate that is not trusted
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    return bool(names & {"ConnectError", "ConnectTimeout", "OfflineModeIsEnabled"})
