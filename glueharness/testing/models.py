"""The test suite for models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from glueharness.errors import ConfigError, ModelError
from glueharness.scoring.scorer import Scorer, check_scores, decide
from glueharness.settings.fields import Layer, settings_of
from glueharness.settings.values import resolve
from glueharness.specs import LABEL_COLUMN, Model, ModelContext
from glueharness.testing.expect import expect, expect_error, skip
from glueharness.testing.installed import expect_cheap_description, installed
from glueharness.testing.material import (
    CHOICE,
    FORMS,
    TrialContext,
    chosen,
    dev_split,
    make_task,
    replaced,
    train_split,
    trial_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glueharness.data.table import Table
    from glueharness.plugin.registry import Registry
    from glueharness.settings.fields import Resolved
    from glueharness.specs import FloatArray, ModelSpec, Predictor, TaskSpec

_LONG_TEXT_WORDS = 5_000
_ODD_TEXTS = ("", " ", "\t\n", "naïve café 数据 🙂", "\x00\x1f\ufeff", "<b>&amp;</b> [red]", "x")
_SEED = 7


class ModelConformance:
    """Tests a model. Inherit from this class and set its attributes.

    Attributes:
        model: The model.
        settings: Values for some of its settings, to make it quick.
        argument: For a family of models, the text after the colon.
        forms: The kinds of tasks to test it on: ``"pair"``, ``"single"`` and ``"score"`` (a
            regression). Those that the model refuses with a ``ModelError`` are skipped. A model
            whose spec says ``multiple_choice`` is tested on that, too.
        learns: Whether the model can learn the small tasks with these settings. If so, it must.
        tolerance: How much scores may differ that should be equal; 0 if the model computes each
            row by itself.
        registry: Where to look up the model's plugin; by default the installed plugins.
    """

    model: ClassVar[ModelSpec]
    settings: ClassVar[Mapping[str, Any]] = {}
    argument: ClassVar[str] = ""
    forms: ClassVar[tuple[str, ...]] = FORMS
    learns: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-4
    registry: ClassVar[Registry | None] = None
    _fitted: ClassVar[dict[str, Predictor]]

    def __init_subclass__(cls) -> None:
        """Each suite keeps the models that it has trained."""
        super().__init_subclass__()
        cls._fitted = {}

    def test_facts_are_complete(self) -> None:
        """It has the description and help texts that ``models show`` prints."""
        expect(self.model.description.strip(), "description is empty")
        for item in settings_of(self.model.settings):
            expect(item.info.help.strip(), f"the setting {item.name} has no help")

    def test_describing_it_is_cheap(self) -> None:
        """Its plugin imports nothing heavy until a run needs it."""
        registry = self.registry if self.registry is not None else installed()
        expect_cheap_description(registry.models, self.model.name)

    def test_its_recipe_fits_its_settings(self) -> None:
        """Its recipe has known settings, with values in range."""
        recipe = Layer(origin="its recipe", values=self.model.recipe)
        resolve(self.model.settings, [recipe], owner=f"model {self.model.name!r}")

    def test_its_methods_are_there(self) -> None:
        """It can predict; and learn, save and load, unless it says that it does not train."""
        try:
            model = self._make(make_task(self.forms[0]))
        except (ConfigError, ModelError) as error:
            self._leave_out(f"the model could not be made: {error.what}")
        if self.model.trains:
            learner(model)
        expect(callable(getattr(model, "predict", None)), "it has no predict")

    def test_multiple_choice_is_done_if_it_is_promised(self) -> None:
        """A model whose spec says ``multiple_choice`` trains and predicts such a task."""
        if not self.model.multiple_choice:
            skip("its spec does not say that it knows multiple choice")
        for _, task, model in self._each(only=(CHOICE,)):
            dev = dev_split(CHOICE)
            check_scores(model.predict(dev), task, len(dev))

    def test_scores_have_the_right_form(self) -> None:
        """Scores are float32 ``[n, k]``, or ``[n]`` for a regression, and all are numbers."""
        for form, task, model in self._each():
            dev = dev_split(form)
            scores = model.predict(dev)
            check_scores(scores, task, len(dev))
            expect(scores.dtype == "float32", f"{form}: scores are {scores.dtype}, not float32")

    def test_predicting_changes_nothing(self) -> None:
        """Predicting the same rows again gives the same scores."""
        for form, _, model in self._each():
            first, second = model.predict(dev_split(form)), model.predict(dev_split(form))
            expect((first == second).all(), f"{form}: the second prediction differs")

    def test_one_seed_one_result(self) -> None:
        """Training twice with the same seed gives the same scores."""
        for form, task, model in self._each(only=self.forms[:1]):
            again = self._ready(task, form)
            self._expect_close(
                model.predict(dev_split(form)),
                again.predict(dev_split(form)),
                f"{form}: a second training with the same seed gives other scores",
            )

    def test_saved_and_loaded_it_is_the_same(self) -> None:
        """A new model that loads what was saved gives the same scores, and nothing is pickled."""
        self._require_learner("saves nothing")
        for form, task, model in self._each():
            with trial_folder() as folder:
                learner(model).save(folder)
                names = [path.name for path in folder.rglob("*") if path.is_file()]
                expect(names, f"{form}: nothing was saved")
                pickled = [
                    name for name in names if name.endswith((".pkl", ".pickle", ".joblib", ".pt"))
                ]
                expect(not pickled, f"{', '.join(pickled)} can run code when it is loaded")
                loaded = self._make(task)
                learner(loaded).load(folder)
                self._expect_close(
                    model.predict(dev_split(form)),
                    loaded.predict(dev_split(form)),
                    f"{form}: loaded, it gives other scores",
                )

    def test_a_folder_without_a_model_is_refused(self) -> None:
        """Loading from an empty folder is an error with a message."""
        self._require_learner("loads nothing")
        for _, task, _ in self._each(only=self.forms[:1]):
            with trial_folder() as folder, expect_error(ModelError, doing="load an empty folder"):
                learner(self._make(task)).load(folder)

    def test_a_row_scores_alone_as_in_company(self) -> None:
        """A row's score does not depend on batching and padding."""
        for form, _, model in self._each():
            dev = dev_split(form)
            together = model.predict(dev)
            for row in (0, len(dev) - 1):
                alone = model.predict(chosen(dev, [row]))
                self._expect_close(
                    alone, together[row : row + 1], f"{form}: row {row} alone scores differently"
                )

    def test_rows_keep_their_order(self) -> None:
        """Rows in reverse order get their scores in reverse order."""
        for form, _, model in self._each():
            dev = dev_split(form)
            backwards = chosen(dev, list(reversed(range(len(dev)))))
            self._expect_close(
                model.predict(backwards)[::-1],
                model.predict(dev),
                f"{form}: scores do not follow the order of the rows",
            )

    def test_no_rows_get_no_scores(self) -> None:
        """An empty split is no error."""
        for form, task, model in self._each():
            check_scores(model.predict(chosen(dev_split(form), [])), task, 0)

    def test_very_long_and_odd_texts_get_scores(self) -> None:
        """Very long, empty and unusual texts get a score too."""
        texts = ["tide apple " * (_LONG_TEXT_WORDS // 2), *_ODD_TEXTS]
        for form, task, model in self._each():
            rows = chosen(dev_split(form), [0] * len(texts))
            odd = replaced(rows, **dict.fromkeys(task.columns, texts))
            check_scores(model.predict(odd), task, len(texts))

    def test_every_column_is_seen(self) -> None:
        """Changing the texts of one column changes some score."""
        for form, task, model in self._each():
            dev = dev_split(form)
            before = model.predict(dev)
            if len(dev) > 1 and (before == before[0]).all():
                self._leave_out("it gives every row the same scores")
            for column in task.columns:
                texts = list(dev[column])
                moved = replaced(dev, **{column: texts[1:] + texts[:1]})
                expect(
                    (model.predict(moved) != before).any(),
                    f"{form}: other texts in {column} change nothing",
                )

    def test_it_learns_labels_by_name(self) -> None:
        """It learns the small tasks, whatever the order of the labels."""
        if not self.learns:
            skip("no test file says that its settings suffice to learn (`learns = True`)")
        for form, _, _ in self._each():
            for labels_reversed in (False, True) if form not in {"score", CHOICE} else (False,):
                task = make_task(form, labels_reversed=labels_reversed)
                dev = dev_split(form)
                model = self._ready(task, form)
                value = Scorer(task, {"dev": dev}).score("dev", decide(model.predict(dev), task))
                (score,) = value.values()
                order = " with the labels reversed" if labels_reversed else ""
                expect(
                    score >= 0.8,
                    f"{form}{order}: {task.primary.name} {score:.2f} on what it should learn",
                )

    def test_unlabelled_rows_are_predicted(self) -> None:
        """A test split has no labels."""
        for form, task, model in self._each():
            dev = dev_split(form)
            names = [name for name in dev.column_names if name != LABEL_COLUMN]
            bare = type(dev)({name: dev[name] for name in names})
            self._expect_close(
                model.predict(bare), model.predict(dev), f"{form}: it looks at the labels"
            )
            check_scores(model.predict(bare), task, len(bare))

    def _each(self, only: tuple[str, ...] = ()) -> Iterator[tuple[str, TaskSpec, Predictor]]:
        """Each form with its task and a model trained on it, without those that it refuses."""
        refusals = []
        forms = only or (*self.forms, *((CHOICE,) if self.model.multiple_choice else ()))
        for form in forms:
            task = make_task(form)
            if form not in self._fitted:
                try:
                    self._fitted[form] = self._ready(task, form)
                except (ConfigError, ModelError) as error:
                    refusals.append(f"{form}: {error.what}")
                    continue
                except Exception as error:
                    error.add_note(
                        f"({'training' if self.model.trains else 'predicting'} on the form "
                        f"{form!r}; what a model cannot do it refuses with "
                        "a ModelError)"
                    )
                    raise
            yield form, task, self._fitted[form]
        if len(refusals) == len(forms):
            doing = "be trained" if self.model.trains else "predict"
            self._leave_out(f"the model could not {doing}: {'; '.join(refusals)}")

    def _leave_out(self, reason: str) -> NoReturn:
        """Skip a check; a model that is said to learn is held to all of them."""
        expect(not self.learns, f"{reason}; yet the suite says `learns = True`")
        skip(reason)

    def _require_learner(self, what: str) -> None:
        if not self.model.trains:
            skip(f"a model that does not train {what}")

    def _ready(self, task: TaskSpec, form: str) -> Predictor:
        """A model that can predict: trained, or asked once if it does not train."""
        model = self._make(task)
        dev: Mapping[str, Table] = {"dev": dev_split(form)}
        if not self.model.trains:
            model.predict(dev["dev"])  # what it cannot do, and a service that is away, show here
            return model
        with trial_folder() as folder:
            learner(model).fit(train_split(form), dev, TrialContext(folder, Scorer(task, dev)))
        return model

    def _make(self, task: TaskSpec) -> Predictor:
        if self.model.family and not self.argument:
            self._leave_out(f"{self.model.name} is a family: say which with `argument`")
        resolved = self._resolved()
        return self.model.factory(
            ModelContext(
                task=task,
                settings=resolved.settings,
                origins=resolved.origins,
                seed=_SEED,
                argument=self.argument,
                offline=True,
            )
        )

    def _resolved(self) -> Resolved:
        """The suite's settings; wrong ones are the suite's mistake, and no refusal of the model."""
        layers = [
            Layer(origin="the suite", values=self.settings),
            Layer(origin="its recipe", values=self.model.recipe),
        ]
        try:
            return resolve(self.model.settings, layers, owner=f"model {self.model.name!r}")
        except ConfigError as error:
            raise AssertionError(f"the suite's settings: {error.what}") from error

    def _expect_close(self, left: FloatArray, right: FloatArray, message: str) -> None:
        expect(left.shape == right.shape, f"{message}: shapes {left.shape} and {right.shape}")
        difference = float(abs(left - right).max()) if left.size else 0.0
        expect(difference <= self.tolerance, f"{message} (by {difference:.2g})")


def learner(model: Predictor) -> Model:
    """The model, with the methods of one that learns.

    Raises:
        AssertionError: It lacks one.
    """
    expect(
        isinstance(model, Model),
        "it has no fit, save and load; a model that only predicts says trains=False",
    )
    assert isinstance(model, Model)  # noqa: S101 - for the type checker
    return model
