"""Runs in processes of their own, with a hub and a cache of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.hub_glue import BERT, BERT_REVISION

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
"""A hub that is not there."""

FIND_WEIGHTS = f"""
from glueharness import GlueharnessError
from glueharness_finetune.pretrained.find import Checkpoint, FreshStart, find_checkpoint

fresh = FreshStart(model_type="bert", architecture={{}}, vocabulary=10)
wanted = Checkpoint(name="{BERT}", revision="{BERT_REVISION}", fresh=fresh)
try:
    print(find_checkpoint(wanted, weights=None, offline=False).how)
except GlueharnessError as error:
    print(f"error: {{error}}")
"""
"""Looks for BERT-tiny's weights, which could also begin fresh."""

FIND_DATA = """
from glueharness import GlueharnessError
from glueharness.data.opening import open_data
from glueharness.plugin.guarded import OfferedSource
from glueharness.plugin.guarded import OfferedSource
from glueharness.specs import DataOptions
from glueharness_glue.qnli import QNLI
from glueharness_glue.sources import SOURCES

try:
    sources = [OfferedSource(spec) for spec in SOURCES]
    print(open_data(QNLI, DataOptions(), sources).data.origin.source)
except GlueharnessError as error:
    print(f"error: {error}")
"""
"""Looks for QNLI as ``--data auto`` does."""


def python(
    *arguments: str, endpoint: str, home: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with a hub and a cache of its own, and what else its environment is to have."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "TRANSFORMERS_", "GLUE"))
    }
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "COLUMNS": "160", **more}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def run_json(folder: Path) -> dict[str, Any]:
    """The record of the latest run."""
    latest = max(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    record: dict[str, Any] = json.loads(latest.read_text())
    return record
