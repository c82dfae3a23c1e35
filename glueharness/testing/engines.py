"""The test suite for engines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.specs.engine import EngineRequest, Schedule
from glueharness.testing.expect import expect, skip

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from glueharness.specs.engine import EncoderEngine, EngineSpec

_SMALL_BERT = {
    "model_type": "bert", "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 24,
    "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0,
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
}  # fmt: skip
_ROWS, _STEPS = 12, 30


@dataclass(frozen=True)
class _Rows:
    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8] | None
    offsets: npt.NDArray[np.int64]


def check_engine(spec: EngineSpec) -> None:
    """It keeps its word on a small BERT on this machine's processor.

    Raises:
        AssertionError: It does not.
        unittest.SkipTest: It has an objection to computing that here.
    """
    expect(spec.description.strip(), "description is empty")
    request = EngineRequest(config=_SMALL_BERT, outputs=2, device="cpu", precision="fp32")
    unknown = EngineRequest(config={"model_type": "no such model"}, outputs=2, device="cpu")
    expect(spec.objection(unknown), "it has no objection to a model type that does not exist")
    if objection := spec.objection(request):
        skip(f"it does not compute a small BERT here: {objection}")
    first, second = (_begun(spec.factory(request)) for _ in range(2))
    for name in ("device", "precision"):
        expect(name in first.facts, f"its facts lack {name!r}")
    losses = _train(first, 0, _STEPS)
    expect(all(map(math.isfinite, losses)), "a loss is no number")
    expect(losses[-1] < 0.7 * losses[0], f"it does not learn: losses {losses[0]} to {losses[-1]}")
    _train(second, 0, _STEPS // 2)
    _check_goes_on(spec.factory(request), second, first)


def _check_goes_on(third: EncoderEngine, halfway: EncoderEngine, done: EncoderEngine) -> None:
    """An engine that is given another's weights and state ends where one ends that went through."""
    import numpy as np

    third.train_with(_schedule())
    for name, values in halfway.weights.items():
        third.weights[name][...] = values
    third.changed()
    third.restore({name: values.copy() for name, values in halfway.state().items()})
    _train(third, _STEPS // 2, _STEPS)
    rows, _ = _material()
    everything = np.arange(_ROWS)
    for engine in (third, done):
        engine.flush()
    found, wanted = (engine.logits(rows, everything) for engine in (third, done))
    expect(found.shape == (_ROWS, 2), f"logits of {_ROWS} rows are {found.shape}")
    expect(found.dtype == np.float32, f"logits are {found.dtype}, not float32")
    expect(
        np.array_equal(found, wanted),
        "training that is resumed from a saved state gives another result than one without a pause",
    )


def _material() -> tuple[_Rows, npt.NDArray[np.float32]]:
    """Rows whose label their second token tells."""
    import numpy as np

    generator = np.random.default_rng(1)
    lengths = generator.integers(3, 20, _ROWS)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = generator.integers(5, 50, offsets[-1]).astype(np.int32)
    targets = np.arange(_ROWS) % 2
    ids[offsets[:-1] + 1] = 3 + targets
    types = np.zeros(len(ids), np.int8)
    return _Rows(ids, types, offsets), targets.astype(np.float32)


def _schedule() -> Schedule:
    return Schedule(rates=[3e-3] * _STEPS, weight_decay=0.01, max_norm=1.0)


def _begun(engine: EncoderEngine) -> EncoderEngine:
    """With weights of its own to begin with, the same every time."""
    import numpy as np

    generator = np.random.default_rng(2)
    weights: Any = engine.weights
    for name in sorted(weights):
        values = weights[name]
        expect(values.dtype == np.float32, f"the weight {name} is {values.dtype}, not float32")
        values[...] = generator.normal(0, 0.05, values.shape)
        if "norm" in name.lower() and name.endswith("weight"):
            values[...] = 1
    engine.changed()
    engine.train_with(_schedule())
    return engine


def _train(engine: EncoderEngine, begin: int, end: int) -> list[float]:
    import numpy as np

    rows, targets = _material()
    everything = np.arange(_ROWS)
    return [engine.step(rows, everything, targets, 1000 + step) for step in range(begin, end)]
