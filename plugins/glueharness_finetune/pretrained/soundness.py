"""What tells the weights of an encoder from damage, whichever library reads them."""

from __future__ import annotations

LARGEST_WEIGHT = 1e15
"""No training gives such: it is what a flipped bit in an exponent makes of an ordinary weight."""
MOST_FLAT = 0.5
"""Share of the matrices that may hold nothing but one and the same value."""
