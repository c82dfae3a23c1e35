"""Folders that are taken for a checkpoint: each kind is refused in a sentence, before loading."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from glueharness import ConfigError, ModelError
from glueharness_finetune import Checkpoint
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.pretrained.files import check_folder
from glueharness_finetune.pretrained.find import checkpoint_named, find_checkpoint
from tests.finetune_tools import colour_task, model_context, write_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 17530000\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("whole"))


def write(name: str, content: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")

    return change


def replace(old: str, new: str, content: str = "x") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / old).unlink()
        write(new, content)(folder)

    return change


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:200])


def quantise(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    path.write_text(json.dumps(config), encoding="utf-8")


def lose_a_piece(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "other.safetensors"}}
    replace("model.safetensors", "model.safetensors.index.json", json.dumps(index))(folder)
    write("other.safetensors", "\0" * 9)(folder)


def link_to_nowhere(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "gone")


def into_a_subfolder(folder: Path) -> None:
    (folder / "0_Transformer").mkdir()
    (folder / "config.json").rename(folder / "0_Transformer" / "config.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (write("model.safetensors", POINTER), "Git LFS pointer"),
        (write("tokenizer.json", POINTER), "Git LFS pointer"),
        (write("config.json", POINTER), "Git LFS pointer"),
        (replace("config.json", "adapter_config.json", "{}"), "an adapter of PEFT"),
        (replace("model.safetensors", "adapter_config.json", "{}"), "an adapter of PEFT"),
        (replace("model.safetensors", "tf_model.h5"), "its weights are TensorFlow's"),
        (replace("model.safetensors", "flax_model.msgpack"), "its weights are Flax's"),
        (replace("model.safetensors", "onnx/model.onnx"), "its weights are ONNX"),
        (replace("model.safetensors", "small.Q4_K_M.gguf"), "its weights are llama.cpp's"),
        (replace("config.json", "model_index.json", "{}"), "a pipeline of diffusers"),
        (into_a_subfolder, "its folder 0_Transformer has one: give that"),
        (link_to_nowhere, "a link to a file that is not there"),
        (cut, "damaged or cut short"),
        (write("model.safetensors", ""), "the file is empty"),
        (write("model.safetensors", "<!DOCTYPE html><html>Log in"), "a web page"),
        (write("config.json", "[1, 2]"), "no JSON object"),
        (write("config.json", "{"), "the file is no JSON"),
        (quantise, r"quantised \(gptq\)"),
        (lose_a_piece, "model-00001-of-00002.safetensors is not there"),
    ],
)
def test_what_is_no_checkpoint_is_told_in_a_sentence(
    whole: Path, tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(whole, folder)
    change(folder)
    with pytest.raises(ModelError, match=said) as caught:
        FinetunedEncoder(model_context(colour_task()), Checkpoint(name=str(folder))).fingerprint()
    assert str(folder) in caught.value.where
    assert "plugin" not in str(caught.value)


def test_a_whole_checkpoint_and_a_file(whole: Path) -> None:
    check_folder(whole)
    with pytest.raises(ModelError, match="a file, not a folder"):
        check_folder(whole / "config.json")


def test_a_name_may_pin_a_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkpoint_named("roberta-base") == Checkpoint(name="roberta-base")
    named = checkpoint_named("FacebookAI/roberta-base@v1.0")
    assert (named.name, named.revision, named.pinned) == ("FacebookAI/roberta-base", "v1.0", True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine@home").mkdir()
    for folder in ("mine@home", "./mine@v1", str(tmp_path / "a@b")):
        assert checkpoint_named(folder) == Checkpoint(name=folder)
    for lacking in ("roberta-base@", "@main"):
        with pytest.raises(ModelError, match="lacks a"):
            checkpoint_named(lacking)


def test_a_revision_may_hold_slashes() -> None:
    named = checkpoint_named("FacebookAI/roberta-base@refs/pr/1")
    assert (named.name, named.revision) == ("FacebookAI/roberta-base", "refs/pr/1")
    assert checkpoint_named("./models/a@b/c").name == "./models/a@b/c"


@pytest.mark.parametrize("name", ["https://huggingface.co/roberta-base", "hf:roberta-base"])
def test_an_address_is_no_name(name: str) -> None:
    with pytest.raises(ModelError, match="is not the name of a model"):
        checkpoint_named(name)


def test_a_name_that_is_longer_than_any_file_s() -> None:
    with pytest.raises(ModelError, match="neither a folder nor a name on the hub"):
        find_checkpoint(checkpoint_named("x" * 300), weights=None, offline=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_HUB_ETAG_TIMEOUT", "abc"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "1.5"),
        ("HF_ENDPOINT", " http://127.0.0.1:9 "),
    ],
)
def test_what_the_hub_s_client_cannot_read_of_the_environment_is_named(
    name: str, value: str, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"the environment variable {name} is"):
        find_checkpoint(Checkpoint(name=str(whole)), weights=None, offline=True)
