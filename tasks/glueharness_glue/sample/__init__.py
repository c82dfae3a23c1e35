"""The bundled sample: made-up texts in the form of GLUE's tasks.

It is for first runs, demonstrations and tests without real data. Every call gives the same rows,
on every platform. A model that learns scores better on them than one that does not, but no result
on them says anything about GLUE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from glueharness_glue.sample import inference, paraphrase, qnli, sentences
from glueharness_glue.sample.rows import Row, Splits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["GENERATORS", "Row", "Splits", "generate"]

GENERATORS: Final[Mapping[str, Callable[[], Splits]]] = {
    "cola": sentences.cola,
    "sst2": sentences.sst2,
    "mrpc": paraphrase.mrpc,
    "stsb": paraphrase.stsb,
    "qqp": paraphrase.qqp,
    "mnli": inference.mnli,
    "qnli": qnli.splits,
    "rte": inference.rte,
    "wnli": inference.wnli,
    "ax": inference.ax,
}
"""What makes the sample of each task, by the task's name. A new form is one more line."""


def generate(task: str) -> Splits:
    """Make the sample of a task.

    Args:
        task: The task's name, one of ``GENERATORS``.

    Returns:
        Rows by split name. A row has the task's columns, ``index`` (0 … n-1 in each split) and,
        outside the test splits, ``label``: a name, or for ``stsb`` a score from 0 to 5.

    Raises:
        KeyError: There is no sample in the form of that task.
    """
    return GENERATORS[task]()
