"""The TF-IDF baseline computes the same bits whatever share of the processors a worker has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from glueharness import LABEL_COLUMN, Table
from glueharness_baselines.settings import TfidfSettings
from glueharness_baselines.tfidf import Tfidf
from tests.finetune_tools import colour_rows, colour_task, listen

if TYPE_CHECKING:
    from pathlib import Path


def long_rows(count: int) -> Table:
    """Rows of so many words that the solver's sums are long enough to be shared out."""
    draw = np.random.default_rng(7)
    texts = {
        name: [" ".join(f"w{word}" for word in draw.zipf(1.3, 40) % 30_000) for _ in range(count)]
        for name in ("question", "sentence")
    }
    labels = [colour_task().labels[each] for each in draw.integers(0, 2, count)]
    return Table({**texts, LABEL_COLUMN: labels})


@pytest.mark.parametrize("other", [2, 4])
def test_the_same_bits_on_any_number_of_threads(other: int, tmp_path: Path) -> None:
    task, train, dev = colour_task(), long_rows(1500), {"dev": colour_rows(8)}
    found = []
    for threads in (1, other):
        with threadpool_limits(limits=threads):
            model = Tfidf(task, TfidfSettings(), seed=1)
            (tmp_path / str(threads)).mkdir()
            model.fit(train, dev, listen(tmp_path / f"run{threads}", task, dev))
            model.save(tmp_path / str(threads))
            arrays = np.load(tmp_path / str(threads) / "weights.npz")
            found.append(arrays["weights"].tobytes())
    assert found[0] == found[1]
