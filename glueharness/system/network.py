"""Whether a server answers at all: asked once, before a client that tries again and again."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request

_SECONDS = 3.0


def why_unreachable(url: str, seconds: float = _SECONDS, *, any_answer: bool = True) -> str:
    """Why nothing answers at ``url``; empty if something does.

    Looking a name up cannot be told to stop, so the question is asked in a thread that is left
    behind when the time is over. Proxies of the environment are used.

    Args:
        url: The address to ask, ``http`` or ``https``.
        seconds: Time allowed, in all.
        any_answer: Whether an error page counts as an answer. A proxy or the sign-in page of a
            network gives one in place of the server; to see through it, ask for a page that
            the server is known to have, and let this be False.
    """
    if not url.startswith(("http://", "https://")):
        return f"{url} is no web address"
    answer: list[str] = []
    asking = threading.Thread(
        target=lambda: answer.append(_ask(url, seconds, any_answer=any_answer)), daemon=True
    )
    asking.start()
    asking.join(seconds)
    return answer[0] if answer else _no_answer(seconds)


def _no_answer(seconds: float) -> str:
    return f"no answer within {seconds:g} s"


def _ask(url: str, seconds: float, *, any_answer: bool) -> str:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the scheme is checked above
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        return "" if any_answer else f"the answer is {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        # The client's own limit and the thread's end together: whichever is first says the same.
        return _no_answer(seconds) if isinstance(cause, TimeoutError) else str(cause)
