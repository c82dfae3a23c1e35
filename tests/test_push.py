"""``glueharness push``: with the hub's own client, against the stand-in for the hub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from glueharness import HubLayout, TaskSpec, hookimpl
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import read_record, write_record
from glueharness.record.store import RunStore
from glueharness_glue.rte import RTE
from glueharness_glue.sample import generate
from tests.docs_project import write_glue_data
from tests.hub_stand_in import Fault, Hub, Repository, running
from tests.small_task import SmallPlugin, parity, small_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ME, OTHER = "hf_mine", "hf_other"


class OnTheHub(SmallPlugin):
    """The small task, which also lies on the hub."""

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """One task."""
        layout = HubLayout(
            repository="someone/parity", revision="1" * 40, config="default",
            splits={"dev": "validation"},
        )  # fmt: skip
        return [parity(locations=(layout,), citation="Someone <2026>.", licence="CC0-1.0")]


@pytest.fixture
def hub(network: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub with two accounts, and a client that talks to it as ``me``."""
    from huggingface_hub import constants

    network.chdir(tmp_path)
    network.setattr(constants, "HF_HUB_DISABLE_XET", True)
    network.setenv("HF_TOKEN", ME)
    with running() as hub:
        hub.accounts = {ME: ("me",), OTHER: ("other",)}
        network.setattr(constants, "ENDPOINT", hub.endpoint)
        template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        network.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub


@pytest.fixture
def run(hub: Hub, tmp_path: Path) -> str:
    """A completed run without marks; its id."""
    assert hub.endpoint
    command("run", "parity", "--model", "oracle", "--error-every", "5")
    (record,) = RunStore(tmp_path / "runs").all()
    assert record.marks == ()
    return record.id


def command(*words: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main(list(words), App(Registry(small_plugins(OnTheHub()))))
    code = end.value.code
    assert isinstance(code, int)
    return code


def pushed(hub: Hub, name: str = "me/parity", branch: str = "main") -> dict[str, bytes]:
    """The files of a repository."""
    found = hub.find("models", name, branch)
    assert found is not None
    assert found.branch == branch
    return dict(found.files)


def card_of(hub: Hub, name: str = "me/parity") -> tuple[dict[str, Any], str]:
    """The card's metadata and text."""
    _, head, body = pushed(hub, name)["README.md"].decode().split("---\n", 2)
    return yaml.safe_load(head), body


def test_a_model_is_pushed_with_its_card(
    hub: Hub, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert command("push", run, "me/parity", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["url"] == f"{hub.endpoint}/me/parity"
    found = hub.find("models", "me/parity")
    assert found is not None
    assert told["commit"] == found.commit
    assert not found.private
    model = tmp_path / "runs" / run / "model"
    files = {path.name: path.read_bytes() for path in model.iterdir()}
    assert files
    assert {**pushed(hub), **files} == pushed(hub)
    metadata, body = card_of(hub)
    (result,) = metadata["model-index"][0]["results"]
    assert result["dataset"] == {
        "name": "Parity", "type": "someone/parity", "config": "default", "split": "validation",
    }  # fmt: skip
    (metric,) = result["metrics"]
    assert (metric["type"], metric["value"]) == ("accuracy", 0.8)
    assert metadata["library_name"] == "glueharness"
    for fact in ("80.00", "| seed | 42 |", "error_every | 5", "95 % interval", "Someone &lt;"):
        assert fact.replace("&lt;", r"\<") in body
    # Its folders are nobody's business.
    assert str(tmp_path) not in body
    assert "runs_dir" not in body


def test_a_trained_encoder_comes_back_from_the_hub_as_it_was(hub: Hub, tmp_path: Path) -> None:
    import torch
    from huggingface_hub import snapshot_download
    from transformers import BertConfig, BertModel, pipeline

    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    write_glue_data(tmp_path / "glue")
    rows = generate("rte")["train"]
    tokenizer = learn_vocabulary([str(row[c]) for row in rows for c in RTE.columns], 500)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(tmp_path / "enc")
    tokenizer.save_pretrained(str(tmp_path / "enc"))
    words = ("run", "rte", "--model", "hf:./enc", "--data-dir", "glue", "--epochs", "1")
    assert command(*words) == 0
    (record,) = RunStore(tmp_path / "runs").all()
    assert record.marks == ("partial",)
    assert command("push", record.id, "me/rte", "--private") == 0
    # Another client: it has the token, and nothing else of ours.
    got = snapshot_download("me/rte", cache_dir=tmp_path / "elsewhere")
    classify = pipeline("text-classification", model=got)
    (answer,) = classify([{"text": "Who?", "text_pair": "Ada."}])
    assert answer["label"] in {"entailment", "not_entailment"}
    metadata, body = card_of(hub, "me/rte")
    assert metadata["pipeline_tag"] == "text-classification"
    assert "model-index" not in metadata  # the hub would rank a score on part of the data
    assert "Not to be compared with other scores:** partial" in body
    assert "./enc" not in body.split("## Training")[1]
    assert any(request.startswith("PUT put/") for request in hub.requests)


def test_a_private_repository_is_shown_to_its_owner_only(hub: Hub, run: str) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    assert command("push", run, "me/parity", "--private") == 0
    assert HfApi().model_info("me/parity").private
    with pytest.raises(RepositoryNotFoundError):
        HfApi(token=OTHER).model_info("me/parity")
    assert hub.requests


def test_a_branch_is_made_and_the_main_one_left_alone(hub: Hub, run: str) -> None:
    assert command("push", run, "me/parity", "--revision", "seed-42") == 0
    assert "oracle.txt" in pushed(hub, branch="seed-42")
    assert "oracle.txt" not in pushed(hub)
    # Again, and to a repository that is there: no error, and no empty commit.
    assert command("push", run, "me/parity", "--revision", "seed-42") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("other/parity",), "may write to the repositories of other"),
        (("parity",), "Write OWNER/NAME"),
        (("me/../parity",), "Write OWNER/NAME"),
    ],
)
def test_where_it_cannot_go(
    hub: Hub, run: str, capsys: pytest.CaptureFixture[str], *, words: tuple[str, ...], message: str
) -> None:
    assert command("push", run, *words) == 1
    assert message in capsys.readouterr().err
    assert hub.repositories == ()


@pytest.mark.parametrize(
    ("token", "message"), [("", "wants a token (401)"), ("hf_old", "does not accept the token")]
)
def test_a_token_that_is_missing_or_wrong(
    hub: Hub, run: str, network: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    *, token: str, message: str,
) -> None:  # fmt: skip
    network.setenv("HF_TOKEN", token)
    assert command("push", run, "me/parity") == 1
    told = capsys.readouterr().err
    assert message in told
    assert "hf auth login" in told
    assert "hf_old" not in told
    assert hub.repositories == ()


@pytest.mark.parametrize("where", ["commit/main", "preupload", "create"])
def test_a_hub_that_fails_is_told_as_such(
    hub: Hub, run: str, network: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    network.setattr("time.sleep", lambda _seconds: None)
    hub.faults = [Fault(503, where=where)]
    assert command("push", run, "me/parity") == 1
    assert "has a fault for now (503)" in capsys.readouterr().err


def test_offline_nothing_is_sent(
    hub: Hub, run: str, network: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network.setenv("HF_HUB_OFFLINE", "1")
    assert command("push", run, "me/parity") == 1
    assert "HF_HUB_OFFLINE" in capsys.readouterr().err
    assert hub.requests == []


def test_a_changed_model_is_not_pushed(
    hub: Hub, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / run / "model" / "oracle.txt").write_text("forgot\n", encoding="utf-8")
    assert command("push", run, "me/parity") == 1
    assert "the seal is broken" in capsys.readouterr().err
    assert hub.repositories == ()


def test_a_score_that_the_predictions_do_not_give_is_not_published(
    hub: Hub, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = read_record(tmp_path / "runs" / run)
    record.metrics["dev"]["accuracy"] = record.primary = 0.99
    write_record(tmp_path / "runs" / run, record)
    assert command("push", run, "me/parity") == 1
    said = capsys.readouterr().err
    assert "dev accuracy is 99.00 in the record, and its predictions give 80.00" in said
    assert hub.repositories == ()


@pytest.mark.parametrize("mark", ["sample", "fresh parent"])
def test_what_says_nothing_is_pushed_only_on_request(
    hub: Hub, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], mark: str
) -> None:
    folder = tmp_path / "runs" / run
    record = read_record(folder)
    if mark == "sample":
        record.data.sample = True
        for split in record.data.splits.values():
            split.standing = "sample"
    else:
        from glueharness.record.record import ParentRecord

        record.parent = ParentRecord(id="x", identity="y", marks=("fresh",))
    write_record(folder, record)
    if mark not in read_record(folder).marks:
        pytest.fail(f"the record is not marked {mark}")
    assert command("push", run, "me/parity") == 1
    assert f"is marked {mark}" in capsys.readouterr().err
    assert hub.repositories == ()
    assert command("push", run, "me/parity", "--marked") == 0
    metadata, body = card_of(hub)
    assert f"Not to be compared with other scores:** {mark}" in body
    assert "model-index" not in metadata


def test_an_evaluation_has_no_model_to_push(
    hub: Hub, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", "parity", "--run", run) == 0
    (other,) = [r for r in RunStore(tmp_path / "runs").all() if r.kind == "evaluation"]
    assert command("push", other.id, "me/parity") == 1
    assert "is an evaluation" in capsys.readouterr().err
    assert hub.repositories == ()


def test_the_stand_in_refuses_what_the_hub_refuses(hub: Hub, tmp_path: Path) -> None:
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    api = HfApi()
    with pytest.raises(RepositoryNotFoundError):
        api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="me/none")
    api.create_repo("me/one")
    with pytest.raises(HfHubHTTPError):
        api.create_repo("me/one")
    broken = [CommitOperationAdd("README.md", b"---\nbase_model: [\n---\n")]
    with pytest.raises(ValueError, match="Invalid metadata"):
        api.create_commit("me/one", broken, commit_message="m")
    large = tmp_path / "model.safetensors"
    large.write_bytes(b"0" * 100)
    api.upload_file(path_or_fileobj=large, path_in_repo="model.safetensors", repo_id="me/one")
    assert pushed(hub, "me/one")["model.safetensors"] == b"0" * 100
    hub.storage.fault = 403  # an address that has expired
    large.write_bytes(b"1" * 100)
    with pytest.raises(RuntimeError, match="Error while uploading"):
        api.upload_file(path_or_fileobj=large, path_in_repo="model.safetensors", repo_id="me/one")
    assert pushed(hub, "me/one")["model.safetensors"] == b"0" * 100
    assert isinstance(hub.repositories[0], Repository)
