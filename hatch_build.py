"""Compiles the native engine when glueharness is built or installed; without a compiler, not."""

from __future__ import annotations

import importlib.util
import os
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from types import ModuleType

_PACKAGE = "plugins/glueharness_native"
WITHOUT = "GLUEHARNESS_WITHOUT_NATIVE"


class NativeEngineHook(BuildHookInterface[Any]):
    """Puts the libraries of the native engine into the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and mark the wheel as one for this platform; or say why it is a pure one.

        Args:
            version: ``standard``, or ``editable`` for an install that uses this folder.
            build_data: What hatchling is told.
        """
        if self.target_name != "wheel":
            return
        if os.environ.get(WITHOUT):
            self.app.display_info(f"{WITHOUT} is set: the wheel has no native engine")
            return
        compiling = _load(Path(self.root) / _PACKAGE / "compiling.py")
        try:
            compiling.compile_all()
        except (compiling.CannotCompile, OSError) as reason:
            self.app.display_warning(
                f"glueharness is built without its native engine: {reason}. Everything works, at "
                "a lower speed on processors."
            )
            return
        if version != "editable":
            folder = f"/{_PACKAGE}/{compiling.LIBRARIES.name}"
            build_data["artifacts"] += [f"{folder}/*.so", f"{folder}/{compiling.STAMP}"]
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"


def _load(path: Path) -> ModuleType:
    """The module in a file: no package is installed while this one is built."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101 - for the type checker
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
