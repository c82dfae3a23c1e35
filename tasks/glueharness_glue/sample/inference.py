"""MNLI's, RTE's, WNLI's and AX's form: what follows from a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from glueharness_glue.sample import lexicon
from glueharness_glue.sample.facts import BUILDING
from glueharness_glue.sample.rows import Example, Splits, build, capitalised

if TYPE_CHECKING:
    from glueharness_glue.sample.draw import Draw

LABELS: Final = ("entailment", "neutral", "contradiction")

# For each quality two words that say it and two that say its opposite.
_QUALITIES: Final = (
    (("open", "accessible"), ("closed", "locked")),
    (("crowded", "busy"), ("empty", "deserted")),
    (("cheap", "inexpensive"), ("costly", "expensive")),
)
_PLACES: Final = (
    "mill", "chapel", "library", "theatre", "museum", "station", "market", "hotel",
)  # fmt: skip
_EVENTS: Final = (
    "fair", "concert", "race", "exhibition", "parade", "festival", "lecture", "regatta",
)  # fmt: skip
_TIMES: Final = ("today", "this week", "in summer", "at noon", "on Sundays", "in winter")

_PAIRS: Final = (
    ("cup", "box"), ("coat", "bag"), ("table", "door"), ("piano", "lift"),
    ("book", "drawer"), ("boat", "shed"), ("bed", "room"), ("statue", "niche"),
)  # fmt: skip


def mnli() -> Splits:
    """Three-way inference about a quality of a thing; the mismatched splits are about events."""
    matched = {"train": 3000, "dev_matched": 200, "test_matched": 200}
    mismatched = {"dev_mismatched": 200, "test_mismatched": 200}
    made = build("mnli", matched, ("premise", "hypothesis"), _mixed_example)
    made |= build("mnli", mismatched, ("premise", "hypothesis"), _event_example)
    order = ("train", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched")
    return {split: made[split] for split in order}


def ax() -> Splits:
    """MNLI's form without a training split."""
    return build("ax", {"test": 200}, ("premise", "hypothesis"), _place_example)


def rte() -> Splits:
    """Two-way inference: the hypothesis restates the fact, or states another one."""
    sizes = {"train": 2000, "dev": 200, "test": 200}
    return build("rte", sizes, ("sentence1",), _rte_example)


def wnli() -> Splits:
    """Which of two things a pronoun means; as in WNLI, a small model cannot learn it."""
    sizes = {"train": 600, "dev": 100, "test": 100}
    return build("wnli", sizes, ("sentence1", "sentence2"), _wnli_example)


def _mixed_example(draw: Draw, position: int) -> Example:
    nouns = _EVENTS if draw.chance(0.125) else _PLACES
    return _quality_example(draw, position, draw.choice(nouns))


def _place_example(draw: Draw, position: int) -> Example:
    return _quality_example(draw, position, draw.choice(_PLACES))


def _event_example(draw: Draw, position: int) -> Example:
    return _quality_example(draw, position, draw.choice(_EVENTS))


def _quality_example(draw: Draw, position: int, noun: str) -> Example:
    label = LABELS[position % 3]
    stated, unrelated = draw.sample(_QUALITIES, 2)
    pole = draw.below(2)
    premise = draw.choice(stated[pole])
    claim = draw.choice(unrelated[draw.below(2)] if label == "neutral" else stated[pole])
    # Half of the neutral claims are negated, so that "not" alone does not mean contradiction.
    negated = draw.chance(0.5) if label == "neutral" else label == "contradiction"
    # A neutral claim speaks of another time as well: by the quality's words alone a model of two
    # layers and fresh weights did not find the neutral ones in four epochs.
    time, other_time = draw.sample(_TIMES, 2)
    claimed_time = other_time if label == "neutral" else time
    thing = f"the {noun} in {draw.choice(lexicon.TOWNS)}"
    return {
        "premise": f"{capitalised(thing)} is {premise} {time}.",
        "hypothesis": (
            f"{capitalised(thing)} is {'not ' if negated else ''}{claim} {claimed_time}."
        ),
        "label": label,
    }


def _rte_example(draw: Draw, position: int) -> Example:
    entailed = position % 2 == 0
    thing = BUILDING.name(draw)
    stated, other = draw.sample(BUILDING.attributes, 2)
    value = stated.value(draw)
    premise, paraphrase = draw.sample(stated.statements, 2)
    if entailed:
        hypothesis = paraphrase.format(v=value)
    else:
        hypothesis = draw.choice(other.statements).format(v=other.value(draw))
    aside = draw.choice(BUILDING.asides)
    return {
        "sentence1": f"{thing}, {aside}, {premise.format(v=value)}.",
        "sentence2": f"{thing} {hypothesis}.",
        "label": "entailment" if entailed else "not_entailment",
    }


def _wnli_example(draw: Draw, position: int) -> Example:
    entailed = position % 2 == 0
    # Mostly it is the outer thing that is too small. Were it as often the inner one that is too
    # large, no word alone would tell anything, and a small model would never begin to learn.
    small = position // 2 % 4 != 0
    inner, outer = draw.choice(_PAIRS)
    owner = draw.choice(lexicon.FIRST_NAMES)
    # What does not fit is too large, or what should hold it is too small.
    meant, not_meant = (outer, inner) if small else (inner, outer)
    size = draw.choice(("small", "narrow") if small else ("large", "wide"))
    return {
        "sentence1": f"{owner}'s {inner} does not go into the {outer} because it is too {size}.",
        "sentence2": f"The {meant if entailed else not_meant} is too {size}.",
        "label": "entailment" if entailed else "not_entailment",
    }
