"""Where a run ran: versions, hardware, git commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueharness.plugin.plugins import Plugins

_GIT_SECONDS = 5


def describe_environment(plugins: Plugins) -> dict[str, Any]:
    """Everything about this machine and installation that can change a result, JSON-able."""
    distributions = {status.distribution for status in plugins.statuses.values()}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hostname": platform.node(),
        "cpu": cpu_name(),
        "cores": core_count(),
        "memory_bytes": memory_bytes(),
        "packages": package_versions(distributions),
        "plugins": {
            status.name: f"{status.distribution} {status.version}"
            for status in plugins.statuses.values()
            if status.in_use and status.version
        },
        "git": git_state(Path.cwd()),
    }


def package_versions(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of distributions and of what they directly require, as far as installed."""
    names: set[str] = set()
    for distribution in distributions:
        try:
            requirements = importlib.metadata.requires(distribution) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        names.add(distribution)
        names |= {re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0] for line in requirements}
    versions = {}
    for name in sorted(names, key=str.lower):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def core_count() -> int:
    """Processors that this process may use.

    One of several workers, and whoever shares a machine, is told its part by ``OMP_NUM_THREADS``.
    """
    if hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0))
    else:
        found = os.cpu_count() or 1
    share = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(found, int(share)) if share.isdecimal() and int(share) else found


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match.group(1) if match else platform.machine()


def memory_bytes() -> int | None:
    """Physical memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and dirty flag of the repository that ``folder`` is in; None outside of one."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        commit = _git(git, folder, "rev-parse", "HEAD")
        dirty = bool(_git(git, folder, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": dirty}


def _git(git: str, folder: Path, *words: str) -> str:
    done = subprocess.run(
        [git, "-C", str(folder), *words],
        check=True, capture_output=True, text=True, timeout=_GIT_SECONDS,
    )  # fmt: skip
    return done.stdout.strip()


def without_password(word: str) -> str:
    """A word of a command line, with stars for the password of a URL: records are passed on."""
    return re.sub(r"(?<=://)([^\s/@:]*):\S*@", r"\1:***@", word)
