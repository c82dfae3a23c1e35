"""The pytest plugin: a fixture that does a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness.record.record import RunRecord


@pytest.fixture
def glueharness_run(tmp_path: Path) -> Callable[..., RunRecord]:
    """A function that runs a task with the installed plugins, offline, and returns the record.

    ``glueharness_run("mytask", model="tfidf", limit_train=100)``: settings as ``run`` takes them.
    """
    from glueharness.run.config import build_config
    from glueharness.run.one_run import run
    from glueharness.settings.fields import Layer
    from glueharness.testing.installed import installed

    def do_run(task: str, **settings: object) -> RunRecord:
        values = {"offline": True, "runs_dir": str(tmp_path / "runs"), **settings}
        layer = Layer(origin="the test", values=values)
        return run(build_config(task, [layer], installed()), installed()).record

    return do_run
