"""The cache of tokenised texts: found again when nothing changed, and only then."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness import Table
from glueharness_finetune.pretrained.tokenizer import learn_vocabulary
from glueharness_finetune.tokens.cache import TokenCache, key_of
from glueharness_finetune.tokens.tokenize import Encoder, Texts
from tests.finetune_tools import colour_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    rows = colour_rows(200)
    return learn_vocabulary([*rows["question"], *rows["sentence"]], 200)


def arrays(count: int = 10) -> dict[str, Any]:
    return {
        "ids": np.arange(count, dtype=np.int32),
        "types": np.ones(count, dtype=np.int8),
        "offsets": np.array([0, count], dtype=np.int64),
    }


def assert_same(found: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    assert found is not None
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def test_keeps_arrays(tmp_path: Path) -> None:
    cache = TokenCache(tmp_path / "deep" / "folder")
    assert cache.get("a") is None
    cache.put("a", arrays())
    assert_same(TokenCache(tmp_path / "deep" / "folder").get("a"), arrays())
    assert cache.get("b") is None
    cache.put("a", arrays(3))
    assert_same(cache.get("a"), arrays(3))
    assert [path.suffix for path in cache.folder.iterdir()] == [".tokens"]


def test_the_key_follows_from_everything_that_matters(tokenizer: Any) -> None:
    texts = [["ab", "c"], ["d", "e"]]
    changed: list[tuple[Any, int, list[list[str]]]] = [
        (tokenizer, 64, texts),
        (tokenizer, 65, texts),
        (tokenizer, 64, [["a", "bc"], ["d", "e"]]),
        (tokenizer, 64, [["ab", "c"], ["d", "f"]]),
        (tokenizer, 64, [["c", "ab"], ["d", "e"]]),
        (tokenizer, 64, [["d", "e"], ["ab", "c"]]),
        (tokenizer, 64, [["ab", "c", "d", "e"]]),
        (tokenizer, 64, [["ab", "c"]]),
        (tokenizer, 64, [["ab", "c\ud800"], ["d", "e"]]),
        (learn_vocabulary(["other words altogether"] * 3, 100), 64, texts),
    ]
    keys = [key_of(*facts) for facts in changed]
    assert len(set(keys)) == len(keys)
    assert keys == [key_of(*facts) for facts in changed]


def test_the_key_sees_the_tokenizers_settings_but_not_its_last_use(tokenizer: Any) -> None:
    texts = [["red", "green house"]]
    before = key_of(tokenizer, 64, texts)
    tokenizer(texts[0], padding=True, truncation=True, max_length=5)
    assert key_of(tokenizer, 64, texts) == before
    side = tokenizer.truncation_side
    tokenizer.truncation_side = "left"
    assert key_of(tokenizer, 64, texts) != before
    tokenizer.truncation_side = side
    assert key_of(tokenizer, 64, texts) == before
    assert key_of(object(), 64, texts) == ""  # type: ignore[arg-type] # one without a backend


@pytest.mark.parametrize("damage", ["flip", "flip digest", "cut", "empty", "other"])
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damage: str) -> None:
    cache = TokenCache(tmp_path)
    cache.put("a", arrays(1000))
    (path,) = cache.folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    elif damage == "flip digest":
        content[3] ^= 1
    elif damage == "cut":
        del content[-1:]
    else:
        content = bytearray() if damage == "empty" else bytearray(b"something else " * 9)
    path.write_bytes(content)
    assert cache.get("a") is None
    cache.put("a", arrays(1000))
    assert_same(cache.get("a"), arrays(1000))


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    cache = TokenCache(tmp_path, limit=3 * 14_000)
    for number, name in enumerate("abc"):
        cache.put(name, arrays(1000))
        os.utime(cache.folder / f"{name}.tokens", (number, number))
    assert_same(cache.get("a"), arrays(1000))  # used just now
    cache.limit = sum(path.stat().st_size for path in cache.folder.iterdir())
    cache.put("d", arrays(1000))
    assert cache.get("b") is None
    for name in "acd":
        assert_same(cache.get(name), arrays(1000))
    cache.put("too large", arrays(10**6))
    assert cache.get("too large") is None
    assert_same(cache.get("d"), arrays(1000))


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a file where the folder should be")
    cache = TokenCache(tmp_path)
    cache.put("a", arrays())
    assert cache.get("a") is None


def test_encoding_uses_it(tmp_path: Path, tokenizer: Any) -> None:
    rows, other = colour_rows(50), colour_rows(50, seed=1)
    cache, done = TokenCache(tmp_path), list[int]()
    plain = Encoder(tokenizer, Texts(("question", "sentence")), 64).encode(rows)
    encoder = Encoder(tokenizer, Texts(("question", "sentence")), 64, cache)
    first, second = encoder.encode(rows), encoder.encode(rows, done.append)
    assert done == [50]
    assert len(list(cache.folder.iterdir())) == 1
    for found in (first, second):
        np.testing.assert_array_equal(found.ids, plain.ids)
        np.testing.assert_array_equal(found.types, plain.types)
        np.testing.assert_array_equal(found.offsets, plain.offsets)
        assert (found.ids.dtype, found.offsets.dtype) == (plain.ids.dtype, plain.offsets.dtype)
    assert not np.array_equal(encoder.encode(other).ids, plain.ids)
    (entry, _) = sorted(cache.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    entry.write_bytes(b"damaged")
    np.testing.assert_array_equal(encoder.encode(rows).ids, plain.ids)


def test_finding_a_large_split_again_is_quick(tmp_path: Path, tokenizer: Any) -> None:
    """As many pairs as there are in a fifth of QNLI, of its length."""
    texts = [[f"{number} " + "word " * words for number in range(23_061)] for words in (10, 30)]
    tokens = 23_061 * 51
    content: dict[str, Any] = {
        "ids": np.zeros(tokens, np.int32),
        "types": np.zeros(tokens, np.int8),
    }
    cache = TokenCache(tmp_path)
    cache.put(key_of(tokenizer, 128, texts), content)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        assert cache.get(key_of(tokenizer, 128, texts)) is not None
        took.append(time.perf_counter() - began)
    assert min(took) < 0.3


def test_tokenizing_is_timed_wherever_the_tokens_come_from(tmp_path: Path, tokenizer: Any) -> None:
    """Else a model whose texts were seen before would look quicker than it is."""
    split = Table({"text": [f"a text of some words {n}" for n in range(3000)]})
    encoder = Encoder(tokenizer, Texts(("text",)), 64, TokenCache(tmp_path))
    paces = []
    for _ in range(2):
        encoder.encode(split)
        rows, seconds = encoder.pace(split)
        paces.append(seconds / rows)
        assert rows > 0
    assert rows < len(split)  # some, the second time
    assert 0.02 < paces[0] / paces[1] < 50  # other processes take their share
