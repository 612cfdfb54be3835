"""Clusterers that are wrong on purpose, in one thing each."""

import dataclasses
from dataclasses import dataclass

import numpy as np

import gradmix
from gradmix_clustering.gaussian import LabelledGaussians
from gradmix_clustering.gmm import GaussianMixture
from gradmix_clustering.kmeans import KMeans
from gradmix_clustering.kmeans_model import KMeansModel


@dataclass
class SilentObjective(KMeans):
    """Says nothing of its objective at first."""

    def iterate(self, X, rng):
        for number, iteration in enumerate(super().iterate(X, rng)):
            yield dataclasses.replace(iteration, metrics={"inertia": float("nan")}) if number == 0 else iteration


@dataclass
class Worsening(KMeans):
    """Gets worse at every third iteration."""

    def iterate(self, X, rng):
        for number, iteration in enumerate(super().iterate(X, rng)):
            worse = {"inertia": iteration.metrics["inertia"] * (1.5 if number % 3 == 1 else 1.0)}
            yield dataclasses.replace(iteration, metrics=worse)


@dataclass
class Unnumbered(KMeans):
    """Does not number its iterations."""

    def iterations(self, X):
        return (dataclasses.replace(each, step=0) for each in super().iterations(X))


@dataclass
class ConvergesTwice(KMeans):
    """Goes on after it has converged."""

    def iterate(self, X, rng):
        for iteration in super().iterate(X, rng):
            yield dataclasses.replace(iteration, converged=True)
            yield iteration


@dataclass
class OneIterationMore(KMeans):
    """Makes one iteration more than it is asked."""

    def iterate(self, X, rng):
        more = dataclasses.replace(self, max_iter=self.max_iter + 1)
        return KMeans.iterate(more, X, rng)


@dataclass
class NeverConverged(KMeans):
    """Never says that it has converged."""

    def iterate(self, X, rng):
        return (dataclasses.replace(each, converged=False) for each in super().iterate(X, rng))


@dataclass
class AlwaysConverged(KMeans):
    """Says at its end that it has converged, whatever ended it."""

    def iterate(self, X, rng):
        for number, each in enumerate(super().iterate(X, rng), start=1):
            yield dataclasses.replace(each, converged=each.converged or number == self.max_iter)


@dataclass
class NoIteration(KMeans):
    """Never iterates."""

    def iterate(self, X, rng):
        yield from ()


@dataclass
class OneArray(KMeans):
    """Has one array for all its estimates."""

    def iterate(self, X, rng):
        centers = np.zeros((self.n_clusters, X.shape[1]))
        for iteration in super().iterate(X, rng):
            centers[...] = iteration.estimate.centers
            yield dataclasses.replace(iteration, estimate=KMeansModel(centers))


@dataclass
class Eager(KMeans):
    """Computes all before it yields the first."""

    def iterate(self, X, rng):
        yield from list(super().iterate(X, rng))


@dataclass
class KeepsTheLastStart(KMeans):
    """Keeps the last start instead of the best."""

    def fit(self, X, y=None):
        super().fit(X)
        last = list(self.iterations(X))[-1]
        self.model_, self.inertia_ = last.estimate, last.metrics["inertia"]
        return self


@dataclass
class LabelsInAColumn(KMeans):
    """Gives labels as a column."""

    def predict(self, X):
        return super().predict(X)[:, None]


@dataclass
class CountsFromOne(KMeans):
    """Numbers its groups from one."""

    def predict(self, X):
        return super().predict(X) + 1


@dataclass
class StaleLabels(KMeans):
    """Keeps labels of the step before the last."""

    def fit(self, X, y=None):
        super().fit(X)
        self.labels_ = np.roll(self.labels_, 1)
        return self


@dataclass
class PredictsTogether(KMeans):
    """Centers the rows that it predicts."""

    def fit(self, X, y=None):
        return super().fit(np.asarray(X) - np.mean(X, axis=0))

    def predict(self, X):
        return super().predict(np.asarray(X) - np.mean(X, axis=0))


@dataclass
class Unnormalised(GaussianMixture):
    """Gives densities for probabilities."""

    def predict_proba(self, X):
        return super().predict_proba(X) * 0.9


@dataclass
class LeastProbable(GaussianMixture):
    """Predicts the least probable group."""

    def predict(self, X):
        return self.predict_proba(X).argmin(axis=1)


@dataclass
class FirstColumnOnly(KMeans):
    """Looks at the first column only."""

    def iterate(self, X, rng):
        return super().iterate(X * ([1.0] + [0.0] * (X.shape[1] - 1)), rng)


@dataclass
class Shrunken(KMeans):
    """Shrinks centers after the last iteration."""

    def fit(self, X, y=None):
        super().fit(X)
        self.model_ = KMeansModel(0.9 * self.model_.centers)
        return self


@dataclass
class FirstFiveColumns(KMeans):
    """Leaves centers as they started in all columns but the first five."""

    def iterate(self, X, rng):
        start = X[0, 5:]
        for each in super().iterate(X, rng):
            centers = np.array(each.estimate.centers)
            centers[:, 5:] = start
            yield dataclasses.replace(each, estimate=KMeansModel(centers))


@dataclass
class FourGroups(KMeans):
    """Puts all centers but the first four in one place."""

    def iterate(self, X, rng):
        for each in super().iterate(X, rng):
            centers = np.array(each.estimate.centers)
            centers[4:] = centers[0]
            yield dataclasses.replace(each, estimate=KMeansModel(centers))


@dataclass
class RowsUpTo5000(KMeans):
    """Looks at the first rows only where there are more than 5000."""

    def iterate(self, X, rng):
        return super().iterate(X[:20] if len(X) > 5000 else X, rng)


@dataclass
class EqualCenters(KMeans):
    """Puts the last center where the first one is."""

    def iterate(self, X, rng):
        for each in super().iterate(X, rng):
            centers = np.concatenate([each.estimate.centers[:-1], each.estimate.centers[:1]])
            yield dataclasses.replace(each, estimate=KMeansModel(centers))


@dataclass
class FirstRows(KMeans):
    """Groups rows by the nearest of the first k."""

    def iterate(self, X, rng):
        centers = X[: self.n_clusters]
        distances = ((X[:, None] - centers) ** 2).sum(axis=2).min(axis=1)
        yield gradmix.Iteration(KMeansModel(centers), {"inertia": float(distances.sum())}, True)


@dataclass
class DropsNamedColumns(KMeans):
    """Takes the first column of a DataFrame for its index."""

    def iterations(self, X):
        return super().iterations(_without_first(X))

    def predict(self, X):
        return self.fitted("predict")(np.asarray(_without_first(X), dtype=float))


def _without_first(X):
    return X.iloc[:, 1:] if hasattr(X, "iloc") else X


@dataclass
class Directions(KMeans):
    """Groups rows by their direction from the origin."""

    def iterations(self, X):
        return super().iterations(_directions(X))

    def predict(self, X):
        return super().predict(_directions(X))


def _directions(X):
    X = np.asarray(X, dtype=float) + 1.0
    return X / np.linalg.norm(X, axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class SquaresModel(KMeansModel):
    """Expands squares of distances."""

    def predict(self, X):
        squares = (X**2).sum(axis=1)[:, None] - 2 * X @ self.centers.T + (self.centers**2).sum(axis=1)
        return squares.argmin(axis=1)


@dataclass
class Squares(KMeans):
    """Loses differences in squares."""

    @classmethod
    def model_class(cls):
        return SquaresModel


@dataclass
class WholeNumbers(KMeans):
    """Rounds rows to integers."""

    def iterations(self, X):
        return super().iterations(np.round(np.asarray(X, dtype=float)))

    def predict(self, X):
        return super().predict(np.round(np.asarray(X, dtype=float)))


@dataclass
class FreshEntropy(KMeans):
    """Does not use the random numbers that it is given."""

    def iterate(self, X, rng):
        return super().iterate(X, np.random.default_rng())


@dataclass
class SeedsTogether(KMeans):
    """Seeds starts by how many there are."""

    def iterate(self, X, rng):
        return super().iterate(X, np.random.default_rng(rng.integers(1000) + self.n_init))


@dataclass
class OneStart(KMeans):
    """Makes one start, whatever it is asked."""

    def iterations(self, X):
        return (each for each in super().iterations(X) if each.start == 0)


@dataclass
class EqualStarts(KMeans):
    """Starts each time from the same place."""

    def iterate(self, X, rng):
        return super().iterate(X, np.random.default_rng(self.random_state))


@dataclass
class OwnSeed(KMeans):
    """Has one seed of its own for all starts, whatever random_state is."""

    def iterate(self, X, rng):
        return super().iterate(X, np.random.default_rng(0))


@dataclass
class IgnoresWeights(KMeans):
    """Takes weights, and ignores them."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X)


@dataclass
class WeightsAreAColumn(KMeans):
    """Takes weights for one column more."""

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X)
        if sample_weight is not None:
            self.labels_ = np.arange(len(X)) % 2
        return self


@dataclass
class MakesLabelsUp(LabelledGaussians):
    """Fits to rows without labels as if they were all of one group."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X, np.zeros(len(X)) if y is None else y, sample_weight)


@dataclass
class MixesLabelsUp(LabelledGaussians):
    """Gives the first rows the first label, and so on."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X, None if y is None else np.sort(y), sample_weight)


@dataclass
class LooksAtNoLabel(KMeans):
    """Asks for labels, and finds three groups whatever they are."""

    needs_labels = True

    n_clusters: gradmix.PositiveInt = 3


@dataclass
class AsksForTheShape(KMeans):
    """Asks whatever it is given for its shape."""

    def iterations(self, X):
        return super().iterations(X.reshape(X.shape))


@dataclass
class Overflowing(KMeans):
    """Computes in the type of the rows."""

    def iterations(self, X):
        X = np.asarray(X)
        return super().iterations((X * X * X).astype(float))

    def predict(self, X):
        X = np.asarray(X)
        return super().predict((X * X * X).astype(float))


@dataclass
class NeedsToWrite(KMeans):
    """Writes into the rows, and back."""

    def fit(self, X, y=None, sample_weight=None):
        if isinstance(X, np.ndarray):
            X[...] = X
        return super().fit(X, y, sample_weight)


@dataclass
class SecondColumn(KMeans):
    """Needs a second column."""

    def check_rows(self, X):
        super().check_rows(X)
        _ = X[:, 1]


@dataclass
class CentersInPlace(KMeans):
    """Centers the caller's rows."""

    def fit(self, X, y=None):
        if isinstance(X, np.ndarray) and X.dtype == float and X.flags.writeable:
            X -= X.mean(axis=0)
        return super().fit(X)


@dataclass
class NoNumberIsZero(KMeans):
    """Takes NaN for zero."""

    def iterations(self, X):
        return super().iterations(np.nan_to_num(np.asarray(X, dtype=float)))

    def predict(self, X):
        return super().predict(np.nan_to_num(np.asarray(X, dtype=float)))


@dataclass
class MakesAMatrix(KMeans):
    """Makes a matrix of anything."""

    def iterations(self, X):
        return super().iterations(np.atleast_2d(X).T if np.ndim(X) == 1 else X)

    def fit(self, X, y=None):
        return super().fit(np.atleast_2d(X).T if np.ndim(X) == 1 else X)


@dataclass
class FewerGroups(KMeans):
    """Looks for fewer groups where there are fewer rows."""

    def check_rows(self, X):
        return

    def iterate(self, X, rng):
        return dataclasses.replace(self, n_clusters=min(self.n_clusters, len(X)))._of_fewer(X, rng)

    def _of_fewer(self, X, rng):
        return KMeans.iterate(self, X, rng)


@dataclass
class CutsColumns(KMeans):
    """Cuts off columns that it does not know."""

    def predict(self, X):
        return super().predict(np.asarray(X)[:, : self.n_features_in_])


@dataclass
class PredictsUnfitted(KMeans):
    """Predicts one group for all before it is fitted."""

    def predict(self, X):
        return super().predict(X) if hasattr(self, "model_") else np.zeros(len(X), dtype=int)


@dataclass
class DividesByDeviation(KMeans):
    """Divides by standard deviations that may be zero."""

    def iterate(self, X, rng):
        _ = 1 / float(X.std(axis=0).min())
        return super().iterate(X, rng)


@dataclass
class Overflows(KMeans):
    """Squares whatever there is."""

    def iterate(self, X, rng):
        scale = float(np.max(np.abs(X))) or 1.0
        for iteration in KMeans.iterate(self, X / scale, rng):
            model = KMeansModel(iteration.estimate.centers * scale)
            yield dataclasses.replace(iteration, estimate=model, metrics={"inertia": np.float64(scale) ** 2 * 1.0})


@dataclass(frozen=True, eq=False)
class ForgetfulModel(KMeansModel):
    """Predicts with more than its fields."""

    def predict(self, X):
        return self.offset + super().predict(X)


@dataclass
class Forgetful(KMeans):
    """Makes models that are more than their fields."""

    @classmethod
    def model_class(cls):
        return ForgetfulModel

    def iterate(self, X, rng):
        for iteration in super().iterate(X, rng):
            object.__setattr__(iteration.estimate, "offset", 0)
            yield iteration


@dataclass
class OtherModels(KMeans):
    """Names another class for its models."""

    def iterate(self, X, rng):
        for iteration in super().iterate(X, rng):
            yield dataclasses.replace(iteration, estimate=KMeansModel(iteration.estimate.centers))

    @classmethod
    def model_class(cls):
        return ForgetfulModel


@dataclass
class ThawedModel(gradmix.Model):
    """A model that anybody may change."""

    centers: object

    def predict(self, X):
        return KMeansModel(self.centers).predict(X)


@dataclass
class Thawed(KMeans):
    """Makes models that anybody may change."""

    @classmethod
    def model_class(cls):
        return ThawedModel


@dataclass(frozen=True, eq=False)
class UnscoredModel(KMeansModel):
    """Has a score that is not a number."""

    def scores(self, X):
        return {"bic": float("nan")}


@dataclass
class Unscored(KMeans):
    """Makes models with a score that is not a number."""

    @classmethod
    def model_class(cls):
        return UnscoredModel


@dataclass
class MeanInertia(KMeans):
    """Divides the inertia by the number of rows."""

    def iterate(self, X, rng):
        for each in super().iterate(X, rng):
            yield dataclasses.replace(each, metrics={"inertia": each.metrics["inertia"] / len(X)})


@dataclass
class MeanLogLikelihood(GaussianMixture):
    """Divides the log-likelihood by the number of rows."""

    def iterate(self, X, rng):
        for each in super().iterate(X, rng):
            yield dataclasses.replace(each, metrics={"log_likelihood": each.metrics["log_likelihood"] / len(X)})


@dataclass
class KeepsTheRows(KMeans):
    """Keeps the rows under a plain name."""

    def fit(self, X, y=None):
        super().fit(X)
        self.data = X
        return self


@dataclass
class WarmStart(KMeans):
    """Begins where the last fit ended."""

    def fit(self, X, y=None):
        before = getattr(self, "model_", None)
        super().fit(X)
        if before is not None:
            self.model_ = KMeansModel(self.model_.centers + 1e-9)
        return self


@dataclass
class ClonesItsFit(KMeans):
    """Clones what it has fitted, too."""

    def __sklearn_clone__(self):
        copy = type(self)(**self.get_params())
        copy.labels_ = getattr(self, "labels_", None)
        return copy


@dataclass
class HidesAnOption(KMeans):
    """Does not tell one of its options."""

    def get_params(self, deep=True):
        return {name: value for name, value in super().get_params().items() if name != "tol"}


@dataclass
class AllPairs(KMeans):
    """Holds the distances of all pairs of rows."""

    def iterate(self, X, rng):
        _ = np.abs(X[:, None, 0] - X[None, :, 0]).sum()
        return super().iterate(X, rng)


@dataclass
class AllPairsOneByOne(KMeans):
    """Looks at all pairs of every tenth row, one by one."""

    def iterate(self, X, rng):
        rows = X[::10, 0].tolist()
        _ = sum(abs(one - other) for one in rows for other in rows)
        return super().iterate(X, rng)


@dataclass
class Endless(KMeans):
    """Never has enough."""

    def iterate(self, X, rng):
        first = next(super().iterate(X, rng))
        while True:
            yield dataclasses.replace(first, converged=False)


WRONG = [
    ("ends", Endless),
    ("reports_its_objective", SilentObjective),
    ("improves_its_objective", Worsening),
    ("numbers_its_iterations", Unnumbered),
    ("numbers_its_iterations", ConvergesTwice),
    ("respects_max_iter", OneIterationMore),
    ("reports_convergence", NeverConverged),
    ("reports_convergence", AlwaysConverged),
    ("yields_at_least_one_iteration", NoIteration),
    ("leaves_earlier_estimates_alone", OneArray),
    ("keeps_its_centers_apart", EqualCenters),
    ("iterates_lazily", Eager),
    ("keeps_the_best_start", KeepsTheLastStart),
    ("labels_every_row", LabelsInAColumn),
    ("numbers_its_groups_from_zero", CountsFromOne),
    ("labels_agree_with_predict", StaleLabels),
    ("predicts_rows_one_by_one", PredictsTogether),
    ("probabilities_are_probabilities", Unnormalised),
    ("predicts_the_most_probable_group", LeastProbable),
    ("finds_known_groups", FirstRows),
    ("finds_groups_in_many_columns", FirstFiveColumns),
    ("finds_many_groups", FourGroups),
    ("finds_groups_in_many_rows", RowsUpTo5000),
    ("estimates_known_centers", Shrunken),
    ("order_of_rows_makes_no_difference", FirstRows),
    ("order_of_columns_makes_no_difference", FirstColumnOnly),
    ("names_of_columns_make_no_difference", DropsNamedColumns),
    ("an_offset_makes_no_difference", Directions),
    ("a_far_offset_makes_no_difference", Squares),
    ("the_unit_makes_no_difference", WholeNumbers),
    ("repeats_with_the_same_seed", FreshEntropy),
    ("starts_do_not_depend_on_their_number", SeedsTogether),
    ("respects_n_init", OneStart),
    ("starts_differ", EqualStarts),
    ("starts_differ", OwnSeed),
    ("weight_of_two_equals_two_rows", IgnoresWeights),
    ("equal_weights_make_no_difference", WeightsAreAColumn),
    ("refuses_rows_without_labels", MakesLabelsUp),
    ("learns_the_labels", MixesLabelsUp),
    ("follows_the_labels", LooksAtNoLabel),
    ("takes_lists_and_tables", AsksForTheShape),
    ("takes_any_numbers", Overflowing),
    ("takes_any_memory_layout", NeedsToWrite),
    ("takes_one_column", SecondColumn),
    ("leaves_the_rows_alone", CentersInPlace),
    ("refuses_numbers_that_are_not_finite", NoNumberIsZero),
    ("refuses_input_that_is_not_a_numeric_matrix", MakesAMatrix),
    ("refuses_fewer_rows_than_groups", FewerGroups),
    ("refuses_another_number_of_columns", CutsColumns),
    ("refuses_to_predict_before_fit", PredictsUnfitted),
    ("answers_or_refuses_hard_rows", DividesByDeviation),
    ("answers_or_refuses_rows_of_any_size", Overflows),
    ("saves_and_loads_its_model", Forgetful),
    ("names_the_class_of_its_models", OtherModels),
    ("makes_immutable_models", Thawed),
    ("scores_with_finite_numbers", Unscored),
    ("objective_agrees_with_model", MeanInertia),
    ("objective_agrees_with_model", MeanLogLikelihood),
    ("fits_and_returns_itself", KeepsTheRows),
    ("forgets_an_earlier_fit", WarmStart),
    ("can_be_cloned", ClonesItsFit),
    ("sets_its_options_by_name", HidesAnOption),
    ("takes_memory_in_proportion_to_the_rows", AllPairs),
    ("makes_calls_in_proportion_to_the_rows", AllPairsOneByOne),
]
"""Check that must find it out → the plugin."""
