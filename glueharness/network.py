"""Whether a server answers at all: asked once, before a client that tries again and again."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request

_SECONDS = 3.0


def why_unreachable(url: str, seconds: float = _SECONDS) -> str:
    """Why nothing answers at ``url``; empty if something does.

    Any answer counts, an error page too. Looking a name up cannot be told to stop, so the
    question is asked in a thread that is left behind when the time is over. Proxies of the
    environment are used.

    Args:
        url: The address to ask, ``http`` or ``https``.
        seconds: Time allowed, in all.
    """
    if not url.startswith(("http://", "https://")):
        return f"{url} is no web address"
    answer: list[str] = []
    asking = threading.Thread(target=lambda: answer.append(_ask(url, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    return answer[0] if answer else f"no answer within {seconds:g} s"


def _ask(url: str, seconds: float) -> str:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the scheme is checked above
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310
            return ""
    except urllib.error.HTTPError:
        return ""
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, ValueError) as error:
        return str(error)
