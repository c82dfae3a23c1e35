"""What a plugin may call a file, so that every system can have it and no path leads elsewhere."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_EVERYWHERE = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_LONGEST = 200


def file_name_problem(name: str) -> str:
    """Why no file can be called so everywhere, in words; empty if one can."""
    if not name.strip():
        return "is empty"
    if _SEPARATORS.search(name):
        return "has a path separator"
    if _CONTROL.search(name):
        return "has a control character"
    if found := _NOT_EVERYWHERE.search(name):
        return f"has the character {found[0]}, which not every system allows"
    if name.startswith(".") or name != name.rstrip(" ."):
        return "begins with a dot, or ends with a dot or a space"
    if _RESERVED.fullmatch(name):
        return "is reserved by Windows"
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    return ""


def has_control(text: str) -> bool:
    """Whether a text has a tab, a line break or another control character."""
    return _CONTROL.search(text) is not None
