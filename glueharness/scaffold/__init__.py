"""``plugins new``: a complete distribution to start from, made from the folder ``templates``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from glueharness import __version__
from glueharness.errors import ConfigError
from glueharness.plugin.api_version import API_VERSION

KINDS = ("task", "model", "writer", "source", "tracker", "command")
_TEMPLATES = Path(__file__).parent / "templates"
_SUFFIX = ".jinja"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of a new distribution's parts.

    Attributes:
        kind: One of :data:`KINDS`.
        name: What the user types, for instance ``"word-order"``.
    """

    kind: str
    name: str

    @property
    def distribution(self) -> str:
        """The distribution, for instance ``"glueharness-word-order"``."""
        return f"glueharness-{self.name}"

    @property
    def package(self) -> str:
        """The package, for instance ``"glueharness_word_order"``."""
        return self.distribution.replace("-", "_")

    @property
    def title(self) -> str:
        """The name in print, for instance ``"Word order"``."""
        return self.name.replace("-", " ").capitalize()

    @property
    def class_name(self) -> str:
        """The class, for instance ``"WordOrder"``."""
        return "".join(part.capitalize() for part in self.name.split("-"))


def make_names(kind: str, name: str) -> Names:
    """The names of a new distribution.

    Raises:
        ConfigError: The name is not lower-case words joined by hyphens.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a {kind}",
            remedy="Use lower-case letters and digits, words joined by hyphens: word-order.",
        )
    return Names(kind=kind, name=name)


def render(names: Names) -> dict[str, str]:
    """The files of a new distribution: path with forward slashes to content."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES, followlinks=False),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Python and TOML, not HTML; every value is checked above
    )
    known = {"names": names, "api": API_VERSION, "version": __version__}
    files = {}
    for folder in ("common", names.kind):
        for path in sorted((_TEMPLATES / folder).rglob(f"*{_SUFFIX}")):
            inner = path.relative_to(_TEMPLATES / folder).as_posix().removesuffix(_SUFFIX)
            # Names of templates write dots and the package's name as words: packaging tools leave
            # dot files out, and the package's name is not known in advance.
            target = inner.replace("DOT_", ".").replace("PACKAGE", names.package)
            template = environment.get_template(path.relative_to(_TEMPLATES).as_posix())
            files[target] = template.render(known)
    return files


def write(names: Names, parent: Path) -> Path:
    """Write a new distribution into a folder of its own below ``parent``.

    Returns:
        The new folder.

    Raises:
        ConfigError: The folder is there already, or cannot be written.
    """
    from glueharness.system.atomic import whole_folder

    folder = parent / names.distribution
    if folder.exists():
        raise ConfigError(
            "this file or folder exists already",
            where=str(folder),
            remedy="Choose another name, or another place with --folder.",
        )
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as aside:
            for target, content in render(names).items():
                path = aside / target
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    return folder
