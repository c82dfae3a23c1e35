"""Words of the bundled sample: made-up names, places and numbers.

The lists are short on purpose. A model with fresh weights sees a word only in the sample, and has
to see it often enough to learn what kind of word it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from glueharness_glue.sample.draw import Draw

FIRST_NAMES: Final = (
    "Ada", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Hugo", "Irene", "Jonas",
    "Karin", "Leon", "Marta", "Nils", "Olga", "Pavel", "Rosa", "Simon", "Tilda", "Viktor",
)  # fmt: skip
LAST_NAMES: Final = (
    "Kowal", "Lindqvist", "Moreau", "Haas", "Ferrari", "Novak", "Brandt", "Duarte", "Eklund",
    "Farkas", "Grieg", "Holm", "Ilves", "Jansen", "Keller", "Lopes", "Marek", "Nyberg",
    "Orban", "Petrov",
)  # fmt: skip
TOWNS: Final = (
    "Tarnow", "Lindau", "Orsova", "Felmar", "Ardby", "Molde", "Sarnen", "Halden", "Ebern",
    "Calder", "Rovigo", "Pinhal", "Virton", "Skagen", "Zadar", "Narva", "Solana", "Trebon",
    "Ulmen", "Vico",
)  # fmt: skip
HOUSE_NAMES: Final = (
    "Kestrel", "Aurora", "Halley", "Juniper", "Meridian", "Silver", "Harbour", "Linden",
    "Falcon", "Corona", "Heron", "Granite", "Lantern", "Orchard", "Willow",
)  # fmt: skip


def person(draw: Draw) -> str:
    """A person's name."""
    return f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}"


def town(draw: Draw) -> str:
    """A town's name."""
    return draw.choice(TOWNS)


def year(draw: Draw) -> str:
    """A year of the nineteenth century."""
    return str(1800 + draw.below(100))


def count(draw: Draw) -> str:
    """A round number of two or three digits."""
    return str(10 * draw.between(2, 60))
