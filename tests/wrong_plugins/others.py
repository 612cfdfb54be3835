"""Data sets, problems and tasks that are wrong on purpose, and components of any kind, in one thing each."""

import contextlib
import dataclasses
import os
import random
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar

import numpy as np

import gradmix
from gradmix_datasets.blobs import Blobs
from gradmix_engines.serial import Serial
from gradmix_metrics.relative_error import RelativeErrorL2
from gradmix_problems.broyden import Broyden
from gradmix_problems.cubic import Cubic
from gradmix_problems.lecture import Lecture
from gradmix_tasks.differentiate import Differentiate
from wrong_plugins.heavy import Heavy
from wrong_plugins.loud import Loud

# Any component.


@dataclass
class Doubling(Cubic):
    """Doubles its option each time it is made."""

    def __post_init__(self):
        self.x = 2 * self.x


@dataclass
class ChecksTooMuch(Cubic):
    """Refuses its own default."""

    def check(self):
        raise gradmix.ConfigError("problem.x must be 2.")


@dataclass
class HoldsALambda(Cubic):
    """Holds a lambda, which pickle does not take."""

    def __post_init__(self):
        self.cube = lambda x: x**3


@dataclass
class NoSummary(Cubic):
    """cubic"""


@dataclass
class Undocumented(Cubic):
    """A cubic with an option of which nothing is said."""

    y: float = 1.0


@dataclass
class BadExcuse(Cubic):
    """Excuses itself from a check that there is not."""

    deviates: ClassVar = {"exact_is_rihgt": "it is not"}


@dataclass
class Counting(Cubic):
    """Counts its uses in an option."""

    def function(self, x):
        self.x = self.x + 1.0
        return x**3


@dataclass
class ChangingContent(Cubic):
    """Has another fingerprint each time."""

    def content(self):
        return (str(random.random()),)


@dataclass
class Printing(Cubic):
    """Prints as it works."""

    def function(self, x):
        print("x =", x)
        return x**3


@dataclass
class WritesAFile(Cubic):
    """Leaves a file in the working folder."""

    def function(self, x):
        Path("left_behind.txt").write_text(str(x))
        Path("left_behind.txt").unlink()
        return x**3


@dataclass
class ChangesFolder(Cubic):
    """Works in another folder for a while."""

    def function(self, x):
        here = os.getcwd()
        os.chdir("/")
        os.chdir(here)
        return x**3


@dataclass
class SeedsNumPy(Blobs):
    """Seeds NumPy's global random numbers."""

    def read(self):
        np.random.seed(self.random_state)  # noqa: NPY002
        return dataclasses.replace(super().read(), X=np.random.normal(size=(self.n, self.d)))  # noqa: NPY002


@dataclass
class DrawsGlobally(Blobs):
    """Draws Python's global random numbers."""

    def read(self):
        return dataclasses.replace(super().read(), X=np.array([[random.random()] for _ in range(self.n)]))


@dataclass
class SetsAVariable(Cubic):
    """Sets an environment variable."""

    def function(self, x):
        os.environ["OMP_NUM_THREADS"] = str(random.random())
        return x**3


@dataclass
class PatchesNumPy(Cubic):
    """Puts a function of its own into NumPy."""

    def function(self, x):
        np.cbrt = partial(np.cbrt)
        return x**3


# Data sets.


@dataclass
class FreshRows(Blobs):
    """Ignores its seed."""

    def read(self):
        return dataclasses.replace(self, random_state=None)._drawn()

    def _drawn(self):
        return Blobs.read(self)


@dataclass
class OneCopy(Blobs):
    """Gives everybody the same array."""

    @cached_property
    def rows(self):
        return super().read()

    def read(self):
        return self.rows


@dataclass
class Unchecked(Blobs):
    """Loads rows that are not finite."""

    def load(self):
        data = super().load()
        return dataclasses.replace(data, X=np.where(data.X > 3, np.inf, data.X))


@dataclass
class NumbersRows(Blobs):
    """Gives each row a label of its own."""

    def read(self):
        data = super().read()
        return dataclasses.replace(data, labels=np.arange(len(data.X)))


@dataclass
class EqualNames(Blobs):
    """Calls all columns the same."""

    def read(self):
        return dataclasses.replace(super().read(), feature_names=("x", "x"))


@dataclass
class NotStandardised(Blobs):
    """Does not scale when it is asked to."""

    def load(self):
        return dataclasses.replace(self, standardise=False)._loaded()

    def _loaded(self):
        return Blobs.load(self)


@dataclass
class KeepsItsPreparation(Blobs):
    """Does not say how it was prepared."""

    def load(self):
        return dataclasses.replace(super().load(), preparation=None)


@dataclass
class OneSeed(Blobs):
    """Takes a seed, and uses another."""

    def read(self):
        return dataclasses.replace(self, random_state=7)._drawn()

    def _drawn(self):
        return Blobs.read(self)


@dataclass
class SourceIsAPath(Blobs):
    """Says where it comes from as a path."""

    def source(self):
        return Path("somewhere")


# Problems.


@dataclass
class AsksForAHessian(Cubic):
    """Asks for what a problem cannot ask for."""

    operator = "hessian"


@dataclass
class DerivativeOfAVector(Lecture):
    """Asks for a derivative at a point with two entries."""

    operator = "derivative"


@dataclass
class PointIsInfinite(Cubic):
    """Has no finite point."""

    def point(self):
        return float("inf")


@dataclass
class SharedPoint(Lecture):
    """Gives everybody the same point."""

    @cached_property
    def _point(self):
        return super().point()

    def point(self):
        return self._point


@dataclass
class NotFinite(Cubic):
    """Is infinite at its point."""

    def function(self, x):
        return np.float64(x) / 0.0


@dataclass
class Noisy(Cubic):
    """Is another function each time."""

    def function(self, x):
        return x**3 + random.random()


@dataclass
class MovesItsArgument(Lecture):
    """Changes its argument in place."""

    def function(self, x):
        value = super().function(x)
        x += 0.5
        return value


@dataclass
class RemembersThePoint(Cubic):
    """Answers for where it was evaluated last."""

    def function(self, x):
        self.last = x
        return x**3

    def exact(self):
        return 3 * getattr(self, "last", self.x) ** 2


@dataclass
class AnswersInAList(Cubic):
    """Gives a number as a list."""

    def exact(self):
        return [super().exact()]


@dataclass
class SolvedInFewDigits(Broyden):
    """Gives a root in single precision."""

    def question(self):
        right = super().question()
        return dataclasses.replace(right, solution=right.solution.astype(np.float32).astype(float))


@dataclass
class NearlyExact(Lecture):
    """Is right to ten digits only."""

    def exact(self):
        return super().exact() * (1 + 1e-10)


@dataclass
class WrongSign(Cubic):
    """Gives the derivative of −x³, by a function that takes floats only."""

    def function(self, x):
        return np.float64(np.longdouble(x) ** 3)

    def exact(self):
        return -super().exact()


# Tasks.


@dataclass
class ReturnsNothing(Differentiate):
    """Returns no result."""

    def run(self):
        yield from super().run()


@dataclass
class MeasuresNaN(Differentiate):
    """Measures something that is not a number."""

    def run(self):
        result = yield from super().run()
        return dataclasses.replace(result, metrics={**result.metrics, "loss": float("nan")})


@dataclass
class NamesWithBrackets(Differentiate):
    """Names metrics as MLflow does not take them."""

    def run(self):
        result = yield from super().run()
        return dataclasses.replace(result, metrics={"loss[0]": 1.0})


@dataclass
class DeclaresNoMetrics(Differentiate):
    """Declares none of the metrics that it measures."""

    def metrics(self):
        return ()


@dataclass
class ThirdStart(Differentiate):
    """Tells the story of a start that there was not."""

    def run(self):
        result = yield from super().run()
        return dataclasses.replace(result, best_start=2)


@dataclass
class MeasuresNoise(Differentiate):
    """Measures random numbers."""

    def run(self):
        result = yield from super().run()
        return dataclasses.replace(result, metrics={"noise": random.random()})


@dataclass
class WritesElsewhere(Differentiate):
    """Writes its artifact beside where it was told."""

    def run(self):
        result = yield from super().run()
        write = lambda path: path.with_suffix(".txt").write_text("here")  # noqa: E731
        return dataclasses.replace(result, artifacts={"answer.json": write})


@dataclass
class InputsAreNames(Differentiate):
    """Tells its inputs by name only."""

    def run(self):
        result = yield from super().run()
        return dataclasses.replace(result, inputs=("cubic",))


@dataclass
class BusyPreflight(Differentiate):
    """Leaves a file before it runs."""

    def preflight(self):
        Path("before.txt").write_text("ready")
        Path("before.txt").unlink()


@dataclass
class TimedOnce(Differentiate):
    """Can be timed once only."""

    def timed(self):
        return gradmix.Timed(iter([lambda: None]).__next__)


@dataclass
class AnswersMore(Differentiate):
    """Answers more than it says."""

    def run(self):
        result = yield from super().run()
        return dataclasses.replace(result, answer={**result.answer, "more": 1})


# Metrics.


@dataclass
class AsksForTheMoon(RelativeErrorL2):
    """Asks for what no task answers."""

    def measure(self, computed, moon):
        return 1.0


@dataclass
class MeasuresAText(RelativeErrorL2):
    """Measures a text."""

    def measure(self, computed):
        return "good"


@dataclass
class MeasuresAtRandom(RelativeErrorL2):
    """Measures something else each time."""

    def measure(self, computed):
        return random.random()


@dataclass
class MovesTheAnswer(RelativeErrorL2):
    """Changes what it measures."""

    def measure(self, computed):
        computed += 1.0
        return 1.0


@dataclass
class NoWayIsBetter(RelativeErrorL2):
    """Says neither way nor none."""

    maximise = "higher"


# Events.


@dataclass
class Deaf(gradmix.Events):
    """Hears of nothing."""


@dataclass
class AsksTooMuch(gradmix.Events):
    """Asks for what it is not told."""

    def iteration(self, iteration, model):
        return


@dataclass
class StopsWithoutLooking(gradmix.Events):
    """May stop runs, and does not look at them."""

    may_stop = True

    def run_started(self):
        return


@dataclass
class ForgetsAType(Cubic):
    """A cubic whose factor is not an option, as it has no type."""

    factor = 1.0


@dataclass
class ForgetsItsAnswer(Differentiate):
    """Recalls less than it has answered."""

    def recall(self, artifacts):
        return {"point": self.problem.point()}


@dataclass
class ForgetsTheLast(Serial):
    """Leaves out the last of several blocks."""

    def each(self, function, blocks):
        found = list(super().each(function, blocks))
        return iter(found[:-1] or found)


@dataclass
class AsTheyCome(Serial):
    """Gives what is ready first, first."""

    def each(self, function, blocks):
        return reversed(list(super().each(function, blocks)))


@dataclass
class SwallowsErrors(Serial):
    """Goes on after an error."""

    def each(self, function, blocks):
        for block in blocks:
            with contextlib.suppress(FloatingPointError):
                yield function(block)


WRONG = [
    ("gives_every_option_a_type", ForgetsAType),
    ("round_trips_through_config", Doubling),
    ("passes_its_own_check", ChecksTooMuch),
    ("can_be_pickled", HoldsALambda),
    ("has_a_summary", NoSummary),
    ("documents_every_option", Undocumented),
    ("deviates_from_existing_checks", BadExcuse),
    ("keeps_its_options", Counting),
    ("has_a_stable_fingerprint", ChangingContent),
    ("is_imported_fast", Heavy),
    ("is_imported_quietly", Loud),
    ("prints_nothing", Printing),
    ("writes_no_files", WritesAFile),
    ("stays_in_its_folder", ChangesFolder),
    ("leaves_global_random_numbers_alone", SeedsNumPy),
    ("ignores_global_random_numbers", DrawsGlobally),
    ("leaves_the_process_as_it_was", SetsAVariable),
    ("leaves_the_process_as_it_was", PatchesNumPy),
    ("load_is_repeatable", FreshRows),
    ("loads_fresh_data", OneCopy),
    ("has_rows_of_finite_numbers", Unchecked),
    ("has_a_label_for_each_row", NumbersRows),
    ("has_a_name_for_each_column", EqualNames),
    ("can_be_standardised", NotStandardised),
    ("preparation_is_right", KeepsItsPreparation),
    ("depends_on_its_seed", OneSeed),
    ("states_its_source", SourceIsAPath),
    ("operator_fits_the_point", AsksForAHessian),
    ("operator_fits_the_point", DerivativeOfAVector),
    ("has_a_finite_point", PointIsInfinite),
    ("gives_a_fresh_point", SharedPoint),
    ("has_a_finite_value", NotFinite),
    ("function_is_repeatable", Noisy),
    ("function_is_repeatable", MovesItsArgument),
    ("exact_is_repeatable", RemembersThePoint),
    ("exact_has_the_right_shape", AnswersInAList),
    ("its_solution_solves_its_question", SolvedInFewDigits),
    ("exact_is_right", NearlyExact),
    ("exact_is_right", WrongSign),
    ("yields_iterations", ReturnsNothing),
    ("measures_finite_numbers", MeasuresNaN),
    ("measures_finite_numbers", NamesWithBrackets),
    ("declares_its_metrics", DeclaresNoMetrics),
    ("best_start_was_yielded", ThirdStart),
    ("run_is_repeatable", MeasuresNoise),
    ("writes_its_artifacts", WritesElsewhere),
    ("answers_as_declared", AnswersMore),
    ("recalls_its_answer", ForgetsItsAnswer),
    ("requests_answers_of_tasks", AsksForTheMoon),
    ("measures_a_number", MeasuresAText),
    ("measure_is_repeatable", MeasuresAtRandom),
    ("leaves_the_answer_alone", MovesTheAnswer),
    ("declares_the_better_direction", NoWayIsBetter),
    ("handles_an_event", Deaf),
    ("requests_existing_arguments", AsksTooMuch),
    ("stops_runs_only_if_declared", StopsWithoutLooking),
    ("declares_its_inputs", InputsAreNames),
    ("preflight_changes_nothing", BusyPreflight),
    ("can_be_timed", TimedOnce),
    ("folds_to_the_same_bits", ForgetsTheLast),
    ("keeps_the_order_of_blocks", AsTheyCome),
    ("passes_errors_on", SwallowsErrors),
]
"""Check that must find it out → the plugin."""
