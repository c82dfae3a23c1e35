"""The first question to the hub: can it be connected to, and does it have the repository?"""

from __future__ import annotations

import os
import re
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

_REACH_SECONDS = 6.0
"""For looking the name up and reaching one of its addresses. The system asks an address again after
one second and after three."""
_GREET_SECONDS = 10.0
"""For agreeing on the encryption, once something was reached."""
_ANSWER_SECONDS = 60.0
"""What the client itself allows a slow hub, where its shorter first limit was not enough."""
_REMEMBER_SECONDS = 60.0
"""For how long a hub that could not be connected to is not tried again: data, weights and the
next task of a group ask within seconds of each other."""

_COMMIT = re.compile("[0-9a-f]{40}")
_lately: dict[str, tuple[float, str]] = {}


class Unreachable(Exception):  # noqa: N818 - a condition, not a defect
    """No connection to the hub can be made: it is absent. Its text is the reason."""


class WrongCommit(Exception):  # noqa: N818 - says what it is
    """Another commit was given than the one that was asked for."""


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
        return "the network must not be used (--offline)"
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in constants.ENV_VARS_TRUE_VALUES:
            return f"the network must not be used ({name} is set)"
    return ""


def why_unreachable() -> str:
    """Why no connection to the hub, or to the proxy in front of it, can be made; empty if one can.

    The client's own transport connects and sends nothing: how long the hub then takes for an
    answer does not matter here.
    """
    place = endpoint()
    when, reason = _lately.get(place, (0.0, ""))
    if reason and time.monotonic() - when < _REMEMBER_SECONDS:
        return reason
    reason = _connect(place)
    if reason:
        _lately[place] = (time.monotonic(), reason)
    return reason


def ask(kind: Kind, name: str, revision: str = "") -> Repository:
    """Ask the hub about a repository, waiting for it and trying again as its client does.

    Args:
        kind: ``"models"`` or ``"datasets"``.
        name: The repository's id.
        revision: Branch, tag or commit; empty for the main branch.

    Raises:
        Unreachable: No connection can be made; known within a few seconds.
        WrongCommit: The hub, or a mirror, has something else under the commit's name.
        Exception: The hub answered otherwise, or not in time; see
            :func:`glueharness_hub.explain`.
    """
    from urllib.parse import quote

    if reason := why_unreachable():
        raise Unreachable(reason)
    address = f"{endpoint()}/api/{kind}/{quote(name)}"
    if revision:
        address += f"/revision/{quote(revision, safe='')}"
    with quiet_client():
        found = _answer(address)
    commit = str(found["sha"])
    if _COMMIT.fullmatch(revision) and commit != revision:
        raise WrongCommit(f"{endpoint()} gives the commit {commit[:12]} for {revision[:12]}")
    return Repository(
        commit=commit,
        files=frozenset(str(item["rfilename"]) for item in found.get("siblings") or ()),
    )


def _answer(address: str) -> dict[str, Any]:
    """What the hub's API says at an address, asked as the client asks.

    Raises:
        KeyError: It says something else than a hub does.
    """
    from huggingface_hub import constants

    client: Any = import_module("huggingface_hub.utils")  # which lists little of what it offers
    transport = _transport()
    response = client.http_backoff(
        "GET",
        address,
        headers=client.build_hf_headers(),
        timeout=max(_ANSWER_SECONDS, float(constants.HF_HUB_ETAG_TIMEOUT)),
        # A connection that broke is made again, a hub that is too slow is not asked six times.
        retry_on_exceptions=(transport.ReadError, transport.RemoteProtocolError),
    )
    client.hf_raise_for_status(response)
    found = response.json()
    if not isinstance(found, dict):
        raise KeyError("sha")
    return found


class _Connected(Exception):  # noqa: N818 - not an error
    """Raised inside of the transport when it has a connection, so that it goes no further."""


@dataclass(slots=True)
class _Attempt:
    """An attempt to connect, in a thread of its own.

    Attributes:
        over: Set at its end.
        error: How it ended.
        reached: Whether something took the connection.
        connected: Whether it could be spoken to.
    """

    over: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None
    reached: bool = False
    connected: bool = False

    def trace(self, event: str, _: Any) -> None:
        """Hear from the transport what it does."""
        self.reached = self.reached or event.endswith("connect_tcp.complete")
        # To the hub, or to the proxy in front of it: the first words are about to be sent.
        first_words = ".send_request" in event or ".send_connection_init" in event
        if first_words and not self.connected:
            self.connected = True
            raise _Connected

    def run(self) -> None:
        """Connect."""
        from huggingface_hub import get_session

        seconds = max(_GREET_SECONDS, _reach_seconds())
        try:
            get_session().head(endpoint(), timeout=seconds, extensions={"trace": self.trace})
        except BaseException as error:  # noqa: BLE001 - looked at by who waits for it
            self.error = error
        finally:
            self.over.set()


def _connect(place: str) -> str:
    """Connect, and say why that is not possible; empty if it is, or if something else is wrong.

    Looking a name up cannot be told to stop, so it takes place in a thread that is left behind when
    the time is over.
    """
    attempt = _Attempt()
    threading.Thread(target=attempt.run, name=f"connecting to {place}", daemon=True).start()
    if not attempt.over.wait(_reach_seconds()):
        if not attempt.reached:
            return f"no connection within {_reach_seconds():g} s"
        attempt.over.wait(_GREET_SECONDS)
    error = attempt.error
    # One that takes the connection and is slow with the rest is there.
    slow = attempt.reached and isinstance(error, TimeoutError | _transport().TimeoutException)
    return in_words(error) if error is not None and not slow and _is_absence(error) else ""


def _reach_seconds() -> float:
    """The limit for a connection; more if the user gives the client more."""
    from huggingface_hub import constants

    told = os.environ.get("HF_HUB_ETAG_TIMEOUT", "").isdigit()
    return max(_REACH_SECONDS, float(constants.HF_HUB_ETAG_TIMEOUT) if told else 0.0)


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
