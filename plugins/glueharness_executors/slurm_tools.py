"""Slurm's programs: what they are asked, and what their answers mean."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from glueharness import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 30
_DAY = 24 * 60
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<rest>\d+(?::\d+){0,2})")


def command(*words: str) -> str | None:
    """What a program of Slurm's prints; None if it failed or did not answer."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def options_of(text: str) -> dict[str, str]:
    """Options of ``sbatch`` from ``partition=gpu,time=120,gres=gpu:1``.

    Raises:
        ConfigError: The text has another form.
    """
    options: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, sign, value = part.partition("=")
        name = name.strip().lstrip("-").replace("_", "-")
        if not (re.fullmatch("[a-z][a-z-]*", name) and sign and value.strip()):
            raise ConfigError(
                f"--executor slurm:{text}: {part!r} is no option of sbatch with a value",
                remedy="Write --executor slurm:partition=gpu,time=120,gres=gpu:1",
            )
        options[name] = value.strip()
    return options


def longest_minutes(options: dict[str, str]) -> int:
    """How long a job may take: what the options say (taken out), or the partition, at most a day.

    A run that takes longer resumes.

    Raises:
        ConfigError: The time has another form.
    """
    given = options.pop("time", "")
    if given:
        minutes = minutes_of(given)
        if minutes is None:
            raise ConfigError(
                f"time={given} is no time", remedy="Write minutes, or days-hours:minutes:seconds."
            )
        return max(1, minutes)
    listing = command("sinfo", "-h", "-o", "%P|%l") or ""
    limits = dict(line.split("|", 1) for line in listing.splitlines() if "|" in line)
    name = options.get("partition", "")
    limit = next(
        (
            value
            for partition, value in limits.items()
            if (partition.rstrip("*") == name if name else partition.endswith("*"))
        ),
        "infinite",
    )
    return min(minutes_of(limit) or _DAY, _DAY)


def minutes_of(text: str) -> int | None:
    """A time as Slurm writes it, in minutes; None if it is without end, or no time."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    parts = [int(part) for part in match["rest"].split(":")]
    days = int(match["days"] or 0)
    if days:  # days-hours[:minutes[:seconds]]
        hours, minutes = parts[0], parts[1] if len(parts) > 1 else 0
        return days * _DAY + hours * 60 + minutes
    if len(parts) == 3:
        return parts[0] * 60 + parts[1]
    return parts[0]


def states(numbers: Sequence[str]) -> dict[str, str]:
    """The state of each job; one that Slurm does not answer for is left ``UNKNOWN``.

    The queue's own list is asked, which knows jobs for some minutes after their end, and needs no
    accounting; then the accounts, where there are any.
    """
    if not numbers:
        return {}
    # Not by their numbers: a single one that has left the list would be an error for all.
    listing = command("squeue", "-h", "--me", "-t", "all", "-r", "-o", "%i|%T")
    if listing is None:
        return dict.fromkeys(numbers, "UNKNOWN")
    found = dict(line.strip().split("|", 1) for line in listing.splitlines() if "|" in line)
    missing = [number for number in numbers if number not in found]
    if missing:
        accounts = command("sacct", "-n", "-X", "-P", "-o", "JobID,State", "-j", ",".join(missing))
        for line in (accounts or "").splitlines():
            number, _, state = line.partition("|")
            found[number] = state.split()[0] if state else ""
    return {number: found.get(number, "") for number in numbers}
