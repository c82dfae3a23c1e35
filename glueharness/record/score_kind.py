"""What the numbers are that a model gives a row."""

from typing import Literal

ScoreKind = Literal["logits", "probabilities", "margins", "values", "not known"]
"""Logits (before a softmax), probabilities, margins (distances from a border, of which no softmax
makes probabilities), or the values of a regression."""
