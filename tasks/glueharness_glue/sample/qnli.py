"""QNLI's form: does the sentence contain the answer to the question?

A question asks for one attribute of a thing, and a sentence states one or two attributes of it.
The label says whether the attribute asked for is among those stated. The question alone and the
sentence alone are both independent of the label, and no weighting of single words predicts it. A
model has to compare the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from glueharness_glue.sample.facts import KINDS
from glueharness_glue.sample.rows import Example, Splits, build, capitalised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_glue.sample.draw import Draw
    from glueharness_glue.sample.facts import Attribute, Kind

LABELS: Final = ("entailment", "not_entailment")
SIZES: Final = {"train": 4800, "dev": 600, "test": 600}

# Harder sentences, as fractions of all. They are few because a model with fresh weights has to
# find the rule before it can stretch it, and a first run should not take more than a minute.
TWO_FACTS: Final = 0.05
ASIDE: Final = 0.1


def splits() -> Splits:
    """The sample's rows, balanced over labels and kinds of thing."""
    return build("qnli", SIZES, ("sentence",), _example)


def _example(draw: Draw, position: int) -> Example:
    label = LABELS[position % 2]
    kind = KINDS[position // 2 % len(KINDS)]
    attributes = draw.shuffled(kind.attributes)
    stated = 2 if draw.chance(TWO_FACTS) else 1
    thing = kind.name(draw)
    asked = draw.choice(attributes[:stated] if label == "entailment" else attributes[stated:])
    return {
        "question": draw.choice(asked.questions).format(x=thing),
        "sentence": _sentence(draw, kind, thing, attributes[:stated]),
        "label": label,
    }


def _sentence(draw: Draw, kind: Kind, thing: str, stated: Sequence[Attribute]) -> str:
    phrases = [
        draw.choice(attribute.statements).format(v=attribute.value(draw)) for attribute in stated
    ]
    if len(phrases) == 2:
        shape = draw.choice(("{x} {p} and {q}.", "{x}, {who} {p}, {q}.", "{x} {p} but {q}."))
        text = shape.format(x=thing, who=kind.pronoun, p=phrases[0], q=phrases[1])
    elif draw.chance(ASIDE):
        shape = draw.choice(("{x}, {aside}, {p}.", "{aside}, {x} {p}."))
        text = shape.format(x=thing, aside=draw.choice(kind.asides), p=phrases[0])
    else:
        text = f"{thing} {phrases[0]}."
    return capitalised(text)
