"""Where weights come from: folder, hub, cache, nowhere; and how long it takes to decide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.finetune_tools import write_checkpoint
from tests.hub_stand_in import Repository, running

if TYPE_CHECKING:
    from pathlib import Path

NAME, COMMIT = "somebody/small-bert", "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there

_FIND = """
import json, sys, time
from glueharness import ModelError
from glueharness_finetune.pretrained.find import Checkpoint, FreshStart, find_checkpoint
name, revision, fresh, pinned = sys.argv[1:]
start = FreshStart(model_type="bert", architecture={}, vocabulary=9) if fresh else None
import huggingface_hub
begun = time.monotonic()
try:
    found = find_checkpoint(
        Checkpoint(name=name, revision=revision, fresh=start, pinned=bool(pinned)),
        weights=None, offline=False,
    )
    answer = {
        "how": found.how, "commit": found.commit, "warning": found.warning,
        "tried": dict(found.tried),
        "files": sorted(path.name for path in found.folder.iterdir()) if found.folder else [],
    }
except ModelError as error:
    answer = {"error": str(error)}
print(json.dumps({**answer, "seconds": time.monotonic() - begun}))
"""


def find(
    tmp_path: Path,
    endpoint: str,
    name: str = NAME,
    revision: str = "",
    *,
    fresh: bool = False,
    pinned: bool = False,
) -> Any:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("HF_", "TRANSFORMERS_"))
    }
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", _FIND, name, revision, "1" * fresh, "1" * pinned],
        env=environment, cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def repository(tmp_path: Path) -> Repository:
    folder = write_checkpoint(tmp_path / "weights")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files |= {"pytorch_model.bin": b"pickle", "flax_model.msgpack": b"other", "README.md": b"#"}
    return Repository("models", NAME, COMMIT, files)


def test_the_hub_then_its_cache(tmp_path: Path) -> None:
    with running(repository(tmp_path)) as hub:
        online = find(tmp_path, hub.endpoint)
    assert (online["how"], online["commit"]) == ("hub", COMMIT)
    assert "model.safetensors" in online["files"]
    assert "pytorch_model.bin" not in online["files"]
    assert "flax_model.msgpack" not in online["files"]
    cached = find(tmp_path, NOWHERE)
    assert (cached["how"], cached["commit"], cached["warning"]) == ("hub cache", COMMIT, "")
    other = find(tmp_path, NOWHERE, revision="f" * 40)
    assert other["how"] == "hub cache"
    assert "in another revision" in other["warning"]


def test_what_a_broken_download_left_out_is_fetched(tmp_path: Path) -> None:
    """Configuration and weights have arrived, and the tokenizer has not."""
    with running(repository(tmp_path)) as hub:
        find(tmp_path, hub.endpoint)
        (link,) = (tmp_path / "home").rglob("snapshots/*/tokenizer.json")
        link.resolve().unlink()
        link.unlink()
        hub.requests.clear()
        whole = find(tmp_path, hub.endpoint)
        assert whole["how"] == "hub"
        assert "tokenizer.json" in whole["files"]
        assert not any("model.safetensors" in request for request in hub.requests)
        hub.requests.clear()
        assert find(tmp_path, hub.endpoint)["how"] == "hub cache"
        assert not hub.requests


def test_a_revision_that_the_user_names_is_the_only_one_that_will_do(tmp_path: Path) -> None:
    with running(repository(tmp_path)) as hub:
        lost = find(tmp_path, hub.endpoint, revision="f" * 40, pinned=True)
        assert "but not this revision of it" in lost["error"]
        assert f"at revision {'f' * 12}" in lost["error"]
        found = find(tmp_path, hub.endpoint, revision=COMMIT, pinned=True)
    assert (found["how"], found["commit"], found["warning"]) == ("hub", COMMIT, "")
    cached = find(tmp_path, NOWHERE, revision=COMMIT, pinned=True)
    assert (cached["how"], cached["warning"]) == ("hub cache", "")
    other = find(tmp_path, NOWHERE, revision="v2", pinned=True)
    assert "at revision 'v2'" in other["error"]


def test_a_hub_that_does_not_answer_is_given_up_soon(tmp_path: Path) -> None:
    lost = find(tmp_path, NOWHERE)
    assert "could not be found" in lost["error"]
    for words in ("hub cache: it is not there", "cannot be reached", "hf:./FOLDER", "hf download"):
        assert words in lost["error"]
    assert lost["seconds"] < 5
    fresh = find(tmp_path, NOWHERE, fresh=True)
    assert fresh["how"] == "fresh"
    assert set(fresh["tried"]) == {"folder", "hub cache", "hub"}


def test_a_name_that_the_hub_does_not_know(tmp_path: Path) -> None:
    with running(repository(tmp_path)) as hub:
        answer = find(tmp_path, hub.endpoint, name="somebody/else")
    assert "has no somebody/else" in answer["error"]


def test_a_name_that_is_none(tmp_path: Path) -> None:
    assert "neither a folder nor a name" in find(tmp_path, NOWHERE, name="two words")["error"]
