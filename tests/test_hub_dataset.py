"""`run --dataset owner/name`: a task is made of a data set of the hub."""

from __future__ import annotations

import io
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hub_runs import NOWHERE, python, run_json
from tests.hub_stand_in import Fault, Repository, running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMMIT = "b2" * 20
TONES = ("neg", "pos")


def data_set(name: str, configs: Mapping[str, Any], names: tuple[str, ...] = TONES) -> Repository:
    """A data set in the hub's usual form.

    Args:
        name: Its id.
        configs: Configuration to split to its columns.
        names: Names of the numbers in the column ``tone``, if there is one.
    """
    files: dict[str, bytes] = {}
    listed, infos = [], []
    for config, splits in configs.items():
        for split, columns in splits.items():
            buffer = io.BytesIO()
            pq.write_table(pa.table(columns), buffer)
            files[f"{config}/{split}-00000-of-00001.parquet"] = buffer.getvalue()
        features = []
        for column, values in next(iter(splits.values())).items():
            kind: Any = "string" if isinstance(values[0], str) else "int64"
            if column == "tone":
                kind = {"class_label": {"names": {str(n): each for n, each in enumerate(names)}}}
            features.append({"name": column, "dtype": kind})
        sizes = [{"name": split, "num_bytes": 0, "num_examples": len(next(iter(columns.values())))}
                 for split, columns in splits.items()]  # fmt: skip
        infos.append({"config_name": config, "features": features, "splits": sizes})
        places = [{"split": split, "path": f"{config}/{split}-*"} for split in splits]
        listed.append({"config_name": config, "data_files": places})
    card = {"configs": listed, "dataset_info": infos if len(infos) > 1 else infos[0]}
    files["README.md"] = f"---\n{json.dumps(card)}\n---\n".encode()
    return Repository("datasets", name, COMMIT, files)


def tones(count: int, **more: Any) -> dict[str, list[Any]]:
    return {
        "headline": [f"a {('bad', 'good')[n % 2]} day {n}" for n in range(count)],
        "tone": [n % 2 for n in range(count)],
        **{name: [make(n) for n in range(count)] for name, make in more.items()},
    }


TONE = data_set(
    "somebody/Tone",
    {
        "default": {
            "train": tones(30, id=lambda n: f"t{n}"),
            "validation": tones(10, id=lambda n: f"v{n}"),
            "test": {**tones(6, id=lambda n: f"x{n}"), "tone": [-1] * 6},
        }
    },
)


def call(home: Path, endpoint: str, *words: str, **more: str) -> tuple[int, str, str]:
    done = python("-m", "glueharness", *words, endpoint=endpoint, home=home, **more)
    return done.returncode, done.stdout, done.stderr


def test_splits_texts_and_labels_are_found_and_the_commit_is_recorded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ("run", "--dataset", "somebody/Tone", "--model", "tfidf")
    with running(TONE) as hub:
        code, _, err = call(home, hub.endpoint, *words)
        assert code == 0, err
        for line in (
            "task    tone",
            f"data    somebody/Tone:default@{COMMIT}",
            "splits  train (30), dev = validation (10), test (6)",
            "input   headline",
            "label   tone",
            "labels  neg (15), pos (15)",
            f"keep    glueharness tasks new tone --dataset somebody/Tone:default@{COMMIT} ",
        ):
            assert line in err
    record = run_json(tmp_path / "runs")
    assert (record["task"], record["data"]["revision"]) == ("tone", COMMIT)
    assert record["metrics"]["dev"]["accuracy"] == 1.0
    # Now from the cache, by the same words and by those that were shown.
    code, _, err = call(home, NOWHERE, *words, "--offline")
    assert (code, "was there already" in err) == (0, True), err
    code, out, err = call(home, NOWHERE, "tasks", "new", "tone", "--dataset",
                          f"somebody/Tone:default@{COMMIT}", HF_HUB_OFFLINE="1")  # fmt: skip
    assert code == 0, err
    assert "neg (15), pos (15)" in out
    made = tomllib.loads((tmp_path / "tone.toml").read_text())
    assert made["source"] == {"kind": "hub", "dataset": "somebody/Tone", "config": "default",
                              "revision": COMMIT, "columns": {"label": "tone"}}  # fmt: skip
    assert made["splits"] == {"train": "train", "dev": "validation", "test": "test"}
    plugin = ("--plugin", "tone.toml")
    code, _, err = call(home, NOWHERE, *plugin, *words[:1], "tone", "--model", "tfidf", "--offline")
    assert (code, "was there already" in err) == (0, True), err
    # The run knows its task: the same commit, from the cache.
    assert record["definition"]["files"] == {}
    assert COMMIT in record["definition"]["content"]
    code, out, err = call(home, NOWHERE, "reproduce", record["id"], HF_HUB_OFFLINE="1")
    assert (code, f"identical to run {record['id']}" in out) == (0, True), err
    code, out, err = call(home, NOWHERE, "rescore", record["id"])
    assert (code, "as recorded" in out, "not checked" in out) == (0, True, False), out + err


PAIRS = data_set(
    "somebody/pairs",
    {
        "small": {
            "train": tones(20, other=lambda n: f"b {n}", third=lambda n: f"c {n}"),
            "dev_a": tones(6, other=lambda n: f"b {n}", third=lambda n: f"c {n}"),
            "dev_b": tones(4, other=lambda n: f"b {n}", third=lambda n: f"c {n}"),
        },
        "unsplit": {"train": tones(20), "test": tones(8)},
    },
)


@pytest.fixture(scope="module")
def served() -> Any:
    with running(PAIRS, TONE) as hub:
        yield hub


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("somebody/pairs",), "somebody/pairs has several configurations: small, unsplit"),
        (("somebody/pairs:smal",), "no configuration called 'smal', did you mean 'small'?"),
        (("somebody/pairs:small",), "There are headline, other, third."),
        (("somebody/pairs:unsplit",), "no split is for scoring: somebody/pairs/unsplit has train"),
        (("somebody/pairs:unsplit", "--dev-split", "tset"), "did you mean 'test'?"),
        (("somebody/nothing",), "Check the name, the token"),
        (("pairs",), "'pairs' is no data set of the hub"),
        (("../pairs",), "that is a path, and no data set of the hub (owner/name)"),
        (("./",), "that is a file or folder of this machine"),
        (("/owner/name",), "For files of your own: --train-file FILE"),
        (("owner/.name",), "'owner/.name' is no data set of the hub"),
        (("somebody/pairs:unsplit", "--dev-split", "test", "--label", "ton"), "mean 'tone'?"),
    ],
)
def test_what_is_not_clear_is_asked_for(
    words: tuple[str, ...], said: str, served: Any, tmp_path: Path
) -> None:
    code, _, err = call(tmp_path / "home", served.endpoint, "run", "--dataset", *words)
    assert (code, said in " ".join(err.split())) == (1, True), err
    assert "Traceback" not in err


def test_texts_and_the_split_to_score_can_be_given(served: Any, tmp_path: Path) -> None:
    pair = ("--text", "headline", "--text", "third")
    code, _, err = call(
        tmp_path / "home", served.endpoint, "run", "mine", "--dataset", "somebody/pairs:small",
        *pair, "--model", "tfidf",
    )  # fmt: skip
    assert code == 0, err
    assert "splits  train (20), dev_a (6), dev_b (4)\n" in err
    assert {*run_json(tmp_path / "runs")["metrics"]} == {"dev_a", "dev_b"}
    code, _, err = call(
        tmp_path / "home", served.endpoint, "run", "--dataset", "somebody/pairs:unsplit",
        "--dev-split", "test", "--model", "majority",
    )  # fmt: skip
    assert code == 0, err
    assert "task    pairs-unsplit\n" in err
    assert "splits  train (20), dev = test (8)\n" in err


def test_a_hub_that_refuses_or_is_away_is_told_as_elsewhere(tmp_path: Path) -> None:
    words = ("run", "--dataset", "somebody/Tone")
    with running(TONE) as hub:
        hub.faults.append(Fault(status=403))
        code, _, err = call(tmp_path / "home", hub.endpoint, *words)
    assert (code, "403" in err or "access" in err.lower()) == (1, True), err
    code, _, err = call(tmp_path / "home", NOWHERE, *words)
    assert code == 1
    assert "the cache does not have it, and http://127.0.0.1:9 cannot be reached" in err
    code, _, err = call(tmp_path / "home", NOWHERE, *words, "--offline")
    assert "the cache does not have it, and the network must not be used (--offline)" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--dataset", "a/b", "--train-file", "x.csv", "--dev-file", "y.csv"), "not both"),
        (("--dev-split", "test"), "--dev-split is about a --dataset"),
        (("a", "b", "--dataset", "a/b"), "one TASK at most"),
    ],
)
def test_options_that_do_not_go_together(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from glueharness.cli import main

    with pytest.raises(SystemExit) as end:
        main(["run", *words])
    assert (end.value.code, said in capsys.readouterr().err) == (2, True)
