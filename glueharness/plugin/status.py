"""The status of a plugin: whether it is in use, its cost, its problems."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import sysconfig
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pluggy

from glueharness.plugin.code import code_of

if TYPE_CHECKING:
    import importlib.metadata
    from collections.abc import Iterator, Sequence

REPORT = "Report it to the plugin's author."
OWN = "glueharness"
"""The distribution that no plugin takes anything of out of use by taking its name."""
SLOW_SECONDS = 0.5
"""Longer than this, loading a plugin is mentioned to the user."""

_HEAVY = (
    "datasets", "evaluate", "jax", "matplotlib", "mlflow", "numpy", "pandas", "pyarrow", "scipy",
    "sklearn", "spacy", "tensorflow", "torch", "transformers",
)  # fmt: skip

State = Literal["loaded", "impaired", "failed", "disabled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something about a plugin that its user should know.

    Attributes:
        what: One sentence.
        remedy: What its user can do about it.
    """

    what: str
    remedy: str = REPORT


@dataclass(slots=True, kw_only=True)
class PluginStatus:
    """What became of one plugin.

    Attributes:
        name: Entry-point name, or the file's name without ``.py``.
        target: What it points to, for instance ``"glueharness_glue"`` or a file.
        point: The entry point; None for a plugin that has none.
        disabled: What switched it off, for instance ``"--no-plugin"``; empty if nothing did.
        error: Why nothing of it is in use; empty if something is.
        remedy: What its user can do about it.
        problems: What of it is not in use, or costs more than it should.
        seconds: Time that importing and asking it took.
        heavy: Heavy libraries that it imported without being asked for anything.
        output: What it printed meanwhile; kept from the terminal.
        hooks: Names of the hooks it implements.
        muted: Event hooks that raised and are not called again.
        described: Hash of the files that describe it, if a package has no code of its own.
        definition: The one file that describes it and its content, if nobody has installed it.
    """

    name: str
    target: str
    point: importlib.metadata.EntryPoint | None = None
    disabled: str = ""
    error: str = ""
    remedy: str = ""
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
    heavy: set[str] = field(default_factory=set)
    output: str = ""
    hooks: tuple[str, ...] = ()
    muted: set[str] = field(default_factory=set)
    known_as: tuple[str, str] | None = None
    described: str = ""
    definition: tuple[Path, bytes] | None = None
    _code: str | None = None

    @property
    def distribution(self) -> str:
        """Name of the distribution that declares it."""
        return self._identity()[0]

    @property
    def version(self) -> str:
        """That distribution's version."""
        return self._identity()[1]

    def _identity(self) -> tuple[str, str]:
        # Reading a distribution's metadata takes a millisecond: only when somebody asks.
        if self.known_as is None:
            dist = self.point.dist if self.point is not None else None
            self.known_as = (dist.name, dist.version) if dist else ("unknown distribution", "")
        return self.known_as

    @property
    def code(self) -> str:
        """Which code it is, for the identity of what is computed with it.

        Distribution and version; of a single file, and of an installation that follows a working
        tree, whose version says nothing, the hash of the files.
        """
        if self._code is None:
            code = code_of(self.point, self._identity())
            self._code = f"{code}, described by {self.described}" if self.described else code
        return self._code

    @property
    def owner(self) -> str:
        """Plugin and distribution in words, for messages."""
        return f"plugin {self.name!r} ({f'{self.distribution} {self.version}'.strip()})"

    @property
    def state(self) -> State:
        """Whether it is in use."""
        if self.disabled:
            return "disabled"
        if self.error:
            return "failed"
        return "impaired" if self.problems else "loaded"

    @property
    def in_use(self) -> bool:
        """Whether anything of it is in use."""
        return not self.disabled and not self.error

    @property
    def reports(self) -> list[Problem]:
        """Everything its user should know, the gravest first."""
        fatal = [Problem(what=self.error, remedy=self.remedy)] if self.error else []
        return [*fatal, *self.problems]

    def fail(self, error: str, remedy: str = REPORT) -> None:
        """Nothing of it is in use; the first cause stays."""
        if not self.error:
            self.error, self.remedy = error, remedy

    def impair(self, what: str, remedy: str = REPORT) -> None:
        """Something of it is not in use, or not as it should be."""
        problem = Problem(what=what, remedy=remedy)
        if problem not in self.problems:
            self.problems.append(problem)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Time a plugin's code, keep what it prints, and see which heavy libraries it imports."""
        before = {name for name in _HEAVY if name in sys.modules}
        printed = io.StringIO()
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                yield
        finally:
            self.seconds += time.perf_counter() - start
            self.heavy |= {name for name in _HEAVY if name in sys.modules} - before
            self.output += printed.getvalue()

    def conclude(self) -> None:
        """Note what loading it showed: that it is slow, or that it prints."""
        if self.seconds > SLOW_SECONDS:
            cause = f" (it imports {', '.join(sorted(self.heavy))})" if self.heavy else ""
            self.impair(
                f"loading it took {self.seconds:.1f} s{cause}",
                "Its author should import heavy libraries inside the factories.",
            )
        if self.output.strip():
            line = self.output.strip().splitlines()[0]
            shown = line if len(line) <= 60 else line[:59] + "…"
            self.impair(
                f"it prints while it is loaded: {shown!r}",
                "It was kept from the terminal; `glueharness plugins show` has all of it.",
            )


def describe(error: BaseException) -> str:
    """An error in one line: its type, its text, and where in the plugin it came from."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    lines = text.strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}{_place(error)}"


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f" [{os.path.basename(error.filename)}:{error.lineno}]"  # noqa: PTH119
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _machinery(frame.filename)]
    if not own:
        return ""
    return f" [{os.path.basename(own[-1].filename)}:{own[-1].lineno}]"  # noqa: PTH119 - may be "<string>"


def _machinery(file: str) -> bool:
    """Whether a frame is ours, pluggy's or Python's: none of these says where a plugin erred.

    ``<string>`` is what dataclasses make: the constructor of a spec that refuses itself.
    """
    if "site-packages" not in file and file.startswith(sysconfig.get_path("stdlib")):
        return True
    ours = (Path(__file__).parents[1], Path(pluggy.__file__).parent)
    return file.startswith(("<frozen", "<string>", *(f"{folder}{os.sep}" for folder in ours)))


def owners(statuses: Sequence[PluginStatus]) -> str:
    """Several owners in words."""
    return " and ".join(status.owner for status in statuses)
