"""The suite; and a regression is refused."""

import pytest

from glueharness import ModelContext, ModelError
from glueharness.plugin.registry import Registry
from glueharness.testing import ModelConformance
from glueharness.testing.material import make_task


class TestNaiveBayes(ModelConformance):
    model = Registry().models.get("naive-bayes")
    forms = ("pair", "single")
    learns = True


def test_a_regression_is_refused() -> None:
    spec = TestNaiveBayes.model
    context = ModelContext(task=make_task("score"), settings=spec.settings(), seed=1)
    with pytest.raises(ModelError, match="asks for a number"):
        spec.factory(context)
