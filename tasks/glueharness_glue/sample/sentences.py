"""CoLA's and SST-2's form: is a sentence acceptable, and is it positive?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from glueharness_glue.sample import lexicon
from glueharness_glue.sample.rows import Example, Splits, build, capitalised

if TYPE_CHECKING:
    from glueharness_glue.sample.draw import Draw

SIZES: Final = {"train": 2000, "dev": 200, "test": 200}

_PEOPLE: Final = (
    "painter", "farmer", "teacher", "sailor", "doctor", "singer", "baker", "pupil",
)  # fmt: skip
_VERBS: Final = (
    "meet", "visit", "help", "paint", "follow", "praise", "know", "invite",
)  # fmt: skip
_MANNERS: Final = (
    "today", "often", "gladly", "again", "twice", "now",
)  # fmt: skip

_GOOD: Final = (
    "warm", "funny", "moving", "clever", "lively", "honest", "graceful", "gripping",
)  # fmt: skip
_BAD: Final = (
    "dull", "clumsy", "tired", "hollow", "noisy", "pointless", "stale", "muddled",
)  # fmt: skip
_WORKS: Final = (
    "film", "story", "comedy", "drama", "portrait", "script", "ending", "cast",
)  # fmt: skip
_FRAMES: Final = (
    "a {a} and {b} {work} from {town}",
    "the {work} is {a}, and the {other} is {b}",
    "{town} has given us a {a}, {b} {work}",
    "with its {a} {other}, the {work} stays {b} to the end",
)
_TURNED: Final = (
    "hardly a {a} or {b} {work} from {town}",
    "the {work} is never {a}, nor is the {other} {b}",
    "{town} did not give us a {a} or {b} {work}",
)


def cola() -> Splits:
    """Acceptability: the verb agrees with its subject, or it does not."""
    return build("cola", SIZES, ("sentence",), _cola_example)


def sst2() -> Splits:
    """Sentiment: words of praise or blame, a quarter of them reversed by a negation."""
    return build("sst2", SIZES, ("sentence",), _sst2_example)


def _cola_example(draw: Draw, position: int) -> Example:
    acceptable = position % 2 == 0
    plural_subject = position // 2 % 2 == 0
    plural_verb = plural_subject if acceptable else not plural_subject
    subject, object_ = draw.sample(_PEOPLE, 2)
    verb = draw.choice(_VERBS)
    article = "these" if plural_subject else "this"
    words = (
        f"{article} {subject}{'s' if plural_subject else ''}",
        f"from {draw.choice(lexicon.TOWNS)}" if draw.chance(0.5) else "",
        draw.choice(_MANNERS) if draw.chance(0.5) else "",
        verb if plural_verb else _third_person(verb),
        f"the {object_}",
        f"near {draw.choice(lexicon.TOWNS)}" if draw.chance(0.5) else "",
    )
    sentence = " ".join(word for word in words if word)
    return {
        "sentence": f"{capitalised(sentence)}.",
        "label": "acceptable" if acceptable else "unacceptable",
    }


def _third_person(verb: str) -> str:
    return f"{verb}s"


def _sst2_example(draw: Draw, position: int) -> Example:
    positive = position % 2 == 0
    turned = position // 2 % 4 == 0
    first, second = draw.sample(_GOOD if positive != turned else _BAD, 2)
    work, other = draw.sample(_WORKS, 2)
    sentence = draw.choice(_TURNED if turned else _FRAMES).format(
        a=first, b=second, work=work, other=other, town=draw.choice(lexicon.TOWNS)
    )
    return {"sentence": capitalised(sentence), "label": "positive" if positive else "negative"}
