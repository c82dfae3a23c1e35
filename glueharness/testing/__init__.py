"""Test suites that every plugin must pass, as classes to inherit from.

::

    from glueharness.testing import TaskConformance

    class TestMine(TaskConformance):
        task = MY_TASK

runs all checks of a task under pytest. ``glueharness plugins check NAME`` runs the same suites
without a test file and without pytest.
"""

from glueharness.testing.expect import expect, skip
from glueharness.testing.models import ModelConformance
from glueharness.testing.sources import SourceConformance
from glueharness.testing.tasks import TaskConformance
from glueharness.testing.writers import WriterConformance

__all__ = [
    "ModelConformance",
    "SourceConformance",
    "TaskConformance",
    "WriterConformance",
    "expect",
    "skip",
]
