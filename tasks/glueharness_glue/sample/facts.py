"""What the bundled sample's sentences are about: kinds of things and facts about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from glueharness_glue.sample import lexicon
from glueharness_glue.sample.lexicon import count, person, town, year

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness_glue.sample.draw import Draw


@dataclass(frozen=True, slots=True)
class Attribute:
    """A fact that every thing of a kind has.

    Attributes:
        questions: Ways to ask for it; ``{x}`` is the thing.
        statements: Verb phrases that state it; ``{v}`` is the value.
        value: Makes a value.
    """

    questions: tuple[str, ...]
    statements: tuple[str, ...]
    value: Callable[[Draw], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing.

    Attributes:
        name: Makes the name of one.
        pronoun: The relative pronoun for it.
        asides: Remarks that answer none of the questions.
        attributes: The facts that it has.
    """

    name: Callable[[Draw], str]
    pronoun: str
    asides: tuple[str, ...]
    attributes: tuple[Attribute, ...]


def _building(draw: Draw) -> str:
    noun = draw.choice(("Mill", "Chapel", "Library", "Theatre", "Tower", "Hall"))
    return f"{draw.choice(lexicon.HOUSE_NAMES)} {noun}"


def _company(draw: Draw) -> str:
    return f"{draw.choice(lexicon.HOUSE_NAMES)} {draw.choice(('Brothers', 'Company', 'Works'))}"


def _artist(draw: Draw) -> str:
    noun = draw.choice(("painter", "sculptor", "engraver", "potter"))
    return f"the {noun} {draw.choice(lexicon.LAST_NAMES)}"


BUILDING: Final = Kind(
    name=_building,
    pronoun="which",
    asides=("a favourite of painters", "shown on many postcards", "quiet on most days"),
    attributes=(
        Attribute(
            ("Who designed {x}?", "Who drew the plans of {x}?", "Who was the architect of {x}?"),
            ("was planned by {v}", "is the best work of {v}", "follows drawings by {v}"),
            person,
        ),
        Attribute(
            ("When was {x} built?", "In what year did {x} open?", "When was {x} finished?"),
            ("has stood since {v}", "dates from {v}", "was completed in {v}"),
            year,
        ),
        Attribute(
            ("Where is {x}?", "In which town is {x}?", "Where can {x} be seen?"),
            ("stands near the centre of {v}", "is a landmark of {v}", "overlooks the port of {v}"),
            town,
        ),
        Attribute(
            (
                "How many people visit {x} each week?",
                "How many visitors does {x} have a week?",
                "How many guests does {x} receive a week?",
            ),
            (
                "welcomes {v} people a week",
                "is toured by {v} people a week",
                "sells {v} weekly tickets",
            ),
            count,
        ),
    ),
)

ARTIST: Final = Kind(
    name=_artist,
    pronoun="who",
    asides=("the eldest of the family", "shy by all accounts", "fond of long walks"),
    attributes=(
        Attribute(
            ("Who taught {x}?", "Who was the teacher of {x}?", "Who gave lessons to {x}?"),
            ("was a pupil of {v}", "was trained by {v}", "learned the craft from {v}"),
            person,
        ),
        Attribute(
            ("When did {x} die?", "In what year did {x} die?", "When was {x} buried?"),
            ("passed away in {v}", "lived until {v}", "was laid to rest in {v}"),
            year,
        ),
        Attribute(
            ("Where was {x} born?", "In which town was {x} born?", "Where did {x} grow up?"),
            ("came from {v}", "is a native of {v}", "spent a happy childhood near {v}"),
            town,
        ),
        Attribute(
            (
                "How many pieces did {x} make?",
                "How many pieces are by {x}?",
                "How many pieces did {x} leave?",
            ),
            ("finished {v} pieces", "left {v} objects behind", "signed {v} works"),
            count,
        ),
    ),
)

COMPANY: Final = Kind(
    name=_company,
    pronoun="which",
    asides=("a name well known at home", "often praised in the press", "one of the oldest here"),
    attributes=(
        Attribute(
            ("Who founded {x}?", "Who was the founder of {x}?", "Who set up {x}?"),
            ("was established by {v}", "began as a shop of {v}", "was the creation of {v}"),
            person,
        ),
        Attribute(
            ("When did {x} close?", "In what year did {x} close?", "When did {x} cease trading?"),
            ("was wound up in {v}", "made its last sale in {v}", "was in business until {v}"),
            year,
        ),
        Attribute(
            (
                "Where is {x} based?",
                "In which town is {x} based?",
                "Where are the offices of {x}?",
            ),
            ("is run from {v}", "has its seat near {v}", "occupies a yard in {v}"),
            town,
        ),
        Attribute(
            (
                "How many people work for {x}?",
                "How many workers does {x} have?",
                "How many people does {x} employ?",
            ),
            ("pays {v} staff", "gives jobs to {v} men and women", "has {v} clerks"),
            count,
        ),
    ),
)

KINDS: Final = (BUILDING, ARTIST, COMPANY)
