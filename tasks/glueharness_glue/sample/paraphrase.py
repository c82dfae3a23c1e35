"""MRPC's, QQP's and STS-B's form: do two texts mean the same, or how similar are they?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from glueharness_glue.sample import lexicon
from glueharness_glue.sample.facts import BUILDING
from glueharness_glue.sample.rows import Example, Splits, build, capitalised

if TYPE_CHECKING:
    from glueharness_glue.sample.draw import Draw

SIZES: Final = {"train": 2000, "dev": 200, "test": 200}

# Each row names one thing in two ways; scores count which of the three parts agree.
_WHO: Final = (("A man", "A gentleman"), ("A girl", "A young lady"), ("A dog", "A puppy"))
_DOES: Final = (("is running", "is racing"), ("is resting", "is lying"), ("is eating", "has lunch"))
_WHERE: Final = (("in a garden", "on a lawn"), ("at a lake", "by the water"))
# One part outweighs the others, so that whoever has learnt only that is clearly above chance.
_WEIGHTS: Final = (3.0, 1.0, 1.0)


def mrpc() -> Splits:
    """Paraphrase: two sentences on one building state the same attribute, or two attributes."""
    return build("mrpc", SIZES, ("sentence1",), _mrpc_example)


def qqp() -> Splits:
    """Duplicates: two questions about one building ask for the same attribute, or for two."""
    return build("qqp", SIZES, ("question1", "question2"), _qqp_example)


def stsb() -> Splits:
    """Similarity: 3 points for the same actor, 1 each for the same deed and the same place."""
    return build("stsb", SIZES, ("sentence1", "sentence2"), _stsb_example)


def _mrpc_example(draw: Draw, position: int) -> Example:
    equivalent = position % 2 == 0
    thing = capitalised(BUILDING.name(draw))
    first, second = draw.sample(BUILDING.attributes, 2)
    value = first.value(draw)
    one, other = draw.sample(first.statements, 2)
    second_phrase = other.format(v=value)
    if not equivalent:
        second_phrase = draw.choice(second.statements).format(v=second.value(draw))
    return {
        "sentence1": f"{thing} {one.format(v=value)}.",
        "sentence2": f"{thing} {second_phrase}.",
        "label": "equivalent" if equivalent else "not_equivalent",
    }


def _qqp_example(draw: Draw, position: int) -> Example:
    duplicate = position % 2 == 0
    thing = BUILDING.name(draw)
    first, second = draw.sample(BUILDING.attributes, 2)
    one, other = draw.sample(first.questions, 2)
    if not duplicate:
        other = draw.choice(second.questions)
    return {
        "question1": one.format(x=thing),
        "question2": other.format(x=thing),
        "label": "duplicate" if duplicate else "not_duplicate",
    }


def _stsb_example(draw: Draw, position: int) -> Example:
    agreement = [bool(position >> bit & 1) for bit in range(3)]
    texts: list[list[str]] = [[], []]
    for slot, agrees in zip((_WHO, _DOES, _WHERE), agreement, strict=True):
        meaning, unlike = draw.sample(slot, 2)
        texts[0].append(draw.choice(meaning))
        texts[1].append(draw.choice(meaning if agrees else unlike))
    town = draw.choice(lexicon.TOWNS)
    return {
        "sentence1": f"{' '.join(texts[0])} near {town}.",
        "sentence2": f"{' '.join(texts[1])} near {town}.",
        "label": sum((w for w, agrees in zip(_WEIGHTS, agreement, strict=True) if agrees), 0.0),
    }
