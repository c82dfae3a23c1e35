"""The form in which a model takes its rows."""

from __future__ import annotations

from dataclasses import dataclass, field

# A field's type, which tools read.
from glueharness_finetune.tokens.batches import Padding  # noqa: TC001


@dataclass(slots=True, kw_only=True)
class Form:
    """The form in which a model takes its rows.

    Attributes:
        max_length: Longest input, in tokens.
        padding: How rows are filled up.
        limit: Longest input that the model and its tokenizer allow; None if nothing limits it.
        rows: Rows of the model's embedding; None if it has none.
        warnings: What the user should know.
    """

    max_length: int
    padding: Padding
    limit: int | None = None
    rows: int | None = None
    warnings: list[str] = field(default_factory=list)
