"""Differentiators that are wrong on purpose; all but the naive ones are wrong in one thing only."""

from dataclasses import dataclass, field
from itertools import count
from typing import ClassVar

import numpy as np

import gradmix
from gradmix_autodiff.dual import DualNumbers

OPERATORS = ("jvp", "vjp", "derivative", "gradient", "value_and_gradient", "jacobian", "hvp", "hessian")


class Wrong(DualNumbers):
    """Replaces final operators behind the base class's back: whatever goes wrong within one is seen from outside."""

    def __init_subclass__(cls, **kwargs):
        own = {name: vars(cls)[name] for name in OPERATORS if name in vars(cls)}
        for name in own:
            delattr(cls, name)
        super().__init_subclass__(**kwargs)
        for name, operator in own.items():
            setattr(cls, name, operator)


@dataclass
class DoubledJvp(Wrong):
    """Pushes twice what it should."""

    def jvp(self, f, x, v):
        return 2 * super().jvp(f, x, v)


@dataclass
class NegativeVjp(Wrong):
    """Pulls back with the wrong sign."""

    def vjp(self, f, x, w):
        return -super().vjp(f, x, w)


@dataclass
class CoarseDerivative(Wrong):
    """Differences, with a promise of twelve digits."""

    def derivative(self, f, x):
        x = float(x)
        return (f(x + 1e-3) - f(x)) / 1e-3


@dataclass
class NegativePoints(Wrong):
    """Gives derivatives at negative points with the wrong sign."""

    def derivative(self, f, x):
        derivative = super().derivative(f, x)
        return -derivative if np.ndim(x) == 0 and x < 0 else derivative


@dataclass
class FlattenedGradient(Wrong):
    """Gives gradients by matrices as vectors."""

    def gradient(self, f, x):
        return np.ravel(super().gradient(f, x))


@dataclass
class RoundedValue(Wrong):
    """Gives values in single precision."""

    def value_and_gradient(self, f, x):
        value, gradient = super().value_and_gradient(f, x)
        return (float(np.float32(value)) if isinstance(value, float) else value), gradient


@dataclass
class TransposedJacobian(Wrong):
    """Gives the transpose of the Jacobian."""

    def jacobian(self, f, x):
        return np.transpose(super().jacobian(f, x))


@dataclass
class GaussNewton(Wrong):
    """Takes g gᵀ for the Hessian in products."""

    def hvp(self, f, x, v):
        gradient = self.gradient(f, x)
        return gradient * np.sum(gradient * np.asarray(v))


@dataclass
class DiagonalHessian(Wrong):
    """Leaves out mixed second derivatives."""

    def hessian(self, f, x):
        hessian = super().hessian(f, x)
        return np.diag(np.diag(hessian)) if np.ndim(hessian) == 2 else hessian


@dataclass
class PositivePoints(Wrong):
    """Takes every point for positive."""

    def gradient(self, f, x):
        return super().gradient(f, np.abs(as_floats(x)))


@dataclass
class ChunkOf64(Wrong):
    """Forgets the first variable of the second chunk of 64."""

    def gradient(self, f, x):
        gradient = np.array(super().gradient(f, x))
        if gradient.ndim == 1:
            gradient[64:65] = 0.0
        return gradient


@dataclass
class ColumnsUpTo32(Wrong):
    """Fills 32 columns of a Jacobian."""

    def jacobian(self, f, x):
        jacobian = np.array(super().jacobian(f, x))
        if jacobian.ndim == 2:
            jacobian[:, 32:] = 0.0
        return jacobian


@dataclass
class ClippedGradient(Wrong):
    """Clips large gradients."""

    def gradient(self, f, x):
        return np.clip(super().gradient(f, x), -1e6, 1e6)


@dataclass
class FlushedGradient(Wrong):
    """Takes small entries of gradients for zero."""

    def gradient(self, f, x):
        gradient = super().gradient(f, x)
        return np.where(np.abs(gradient) < 1e-12, 0.0, gradient)


@dataclass
class TriangularLargeHessian(Wrong):
    """Computes one triangle of a Hessian by six variables or more."""

    def hessian(self, f, x):
        hessian = super().hessian(f, x)
        return np.triu(hessian) if np.ndim(hessian) == 2 and len(hessian) >= 6 else hessian


@dataclass
class CoarseVjp(Wrong):
    """Pulls back to six digits only."""

    def vjp(self, f, x, w):
        return super().vjp(f, x, w) * (1 + 1e-6)


@dataclass
class NormalisedDirection(Wrong):
    """Divides directions by their length."""

    def jvp(self, f, x, v):
        length = np.linalg.norm(np.asarray(v, dtype=float))
        return super().jvp(f, x, np.asarray(v, dtype=float) / length if length else v)


@dataclass
class ClippedWeights(Wrong):
    """Clips what it pulls back."""

    def vjp(self, f, x, w):
        return super().vjp(f, x, np.clip(w, -1, 1))


@dataclass
class TriangularHessian(Wrong):
    """Computes one triangle of the Hessian, and forgets the other."""

    def hessian(self, f, x):
        hessian = super().hessian(f, x)
        return np.triu(hessian) if np.ndim(hessian) == 2 else hessian


@dataclass
class DoubledHvp(Wrong):
    """Doubles products with the Hessian."""

    def hvp(self, f, x, v):
        return 2 * super().hvp(f, x, v)


@dataclass
class RoundedDerivative(Wrong):
    """Rounds derivatives to five decimals."""

    def derivative(self, f, x):
        return np.round(super().derivative(f, x), 5)


@dataclass
class NaiveComplexStep(gradmix.Differentiator):
    """A complex step that does not know of another one around it."""

    def push(self, f, x, v):
        return None, np.imag(f(x + 1e-30j * v)) / 1e-30


@dataclass
class Truncating(Wrong):
    """Moves integers by less than one, in integers."""

    def gradient(self, f, x):
        point = np.array(x)
        if point.dtype.kind == "i":
            moved = np.tile(point, (point.size, 1))
            moved[np.diag_indices(point.size)] += np.array(1e-7).astype(point.dtype)
            return np.array([(f(row) - f(point)) / 1e-7 for row in moved])
        return super().gradient(f, x)


@dataclass
class ArraysOnly(Wrong):
    """Asks points for their shape."""

    def gradient(self, f, x):
        return np.reshape(super().gradient(f, x), x.shape)


@dataclass
class FloatsOnly(Wrong):
    """Takes floats of Python's for the only numbers."""

    def derivative(self, f, x):
        if np.ndim(x) == 0 and type(x) is np.ndarray:
            raise gradmix.DifferentiationError("no number")
        return super().derivative(f, x)


@dataclass
class SinglePrecision(Wrong):
    """Computes in the precision of the point."""

    def derivative(self, f, x):
        result = super().derivative(f, x)
        return np.float64(np.float32(result)) if isinstance(x, np.float32) else result


@dataclass
class WritesIntoThePoint(Wrong):
    """Uses the caller's array as its own."""

    def gradient(self, f, x):
        if isinstance(x, np.ndarray):
            x += 0.0
        return super().gradient(f, x)


@dataclass
class ArrayDirections(Wrong):
    """Asks directions for their shape."""

    def jvp(self, f, x, v):
        return super().jvp(f, x, np.reshape(v, v.shape))


@dataclass
class LeavesAStep(Wrong):
    """Leaves the last step in the point."""

    def gradient(self, f, x):
        gradient = super().gradient(f, x)
        if isinstance(x, np.ndarray) and x.flags.writeable and x.dtype == float and x.size:
            x.flat[0] = x.flat[0] + 1e-8
        return gradient


@dataclass
class RandomRounding(Wrong):
    """Rounds at random in the last place."""

    def jvp(self, f, x, v):
        return super().jvp(f, x, v) * (1 + 1e-15 * np.random.default_rng().integers(-3, 4))


@dataclass
class RemembersByShape(Wrong):
    """Remembers gradients by the shape of the point."""

    def __post_init__(self):
        self.remembered = {}

    def gradient(self, f, x):
        if np.shape(x) == (2,):
            self.remembered["last"] = x
        shift = 1e-9 if "last" in self.remembered and np.shape(x) == (3,) else 0.0
        return super().gradient(f, x) + shift


@dataclass
class SharedPoint(Wrong):
    """Keeps the point where all threads see it."""

    def jacobian(self, f, x):
        self.point = x
        f(x)
        return super().jacobian(f, self.point)


@dataclass
class SwallowsErrors(Wrong):
    """Takes every error for its own."""

    def jvp(self, f, x, v):
        try:
            return super().jvp(f, x, v)
        except Exception as error:
            raise gradmix.DifferentiationError("the function failed") from error


@dataclass
class SwallowsDivisionByZero(Wrong):
    """Takes NaN for the gradient where the function divides by zero."""

    def gradient(self, f, x):
        try:
            return super().gradient(f, x)
        except ZeroDivisionError:
            return np.full(np.shape(x), np.nan)


@dataclass
class Broadcasting(Wrong):
    """Broadcasts directions."""

    def jvp(self, f, x, v):
        return super().jvp(f, x, np.broadcast_to(v, np.shape(x)) if np.ndim(v) == 0 else v)


@dataclass
class SummedValues(Wrong):
    """Sums several values, unasked."""

    def value_and_gradient(self, f, x):
        return super().value_and_gradient(lambda y: np.sum(f(y)), x)


@dataclass
class DerivativeAlongOnes(Wrong):
    """Gives a derivative by several variables, along all at once."""

    def derivative(self, f, x):
        return self.jvp(f, x, np.ones(np.shape(x)))


@dataclass
class ReadsTexts(Wrong):
    """Reads texts as numbers."""

    def derivative(self, f, x):
        return super().derivative(f, float(x) if isinstance(x, str) else x)


@dataclass
class NothingIsZero(Wrong):
    """Takes a function that returns nothing for a constant."""

    def derivative(self, f, x):
        return super().derivative(lambda y: 0.0 if f(y) is None else f(y), x)


@dataclass
class LacksWithoutReason(Wrong):
    """Does not say why it lacks what it lacks."""

    lacks: ClassVar = {"hvp": ""}


@dataclass
class HasWhatItLacks(Wrong):
    """Does not say what it lacks."""

    def second(self, f, x):
        raise gradmix.DifferentiationError("there is no Hessian here")


@dataclass
class FollowsAllTheSame(Wrong):
    """Says that it does not follow values, and does."""

    follows_values = False


@dataclass
class PromisesNothing(Wrong):
    """Promises nothing at all."""

    @property
    def accuracy(self):
        return 1.0


_moments = count()


@dataclass
class Restless(Wrong):
    """Evaluates the function once more, now and then."""

    def gradient(self, f, x):
        if next(_moments) % 2:
            f(x)
        return super().gradient(f, x)


@dataclass
class QuadraticGradient(Wrong):
    """Computes the whole gradient anew for each entry."""

    components: gradmix.PositiveInt = 1

    def gradient(self, f, x):
        return np.array([super(QuadraticGradient, self).gradient(f, x)[i] for i in range(len(x))])


@dataclass
class JvpByGradient(Wrong):
    """Takes every partial derivative for one direction."""

    components: gradmix.PositiveInt = 1

    def jvp(self, f, x, v):
        return np.sum(np.array([super(JvpByGradient, self).jvp(f, x, unit) for unit in np.eye(len(x))]) @ np.asarray(v))


@dataclass(eq=False)
class Node:
    """A number that remembers where it came from."""

    value: float
    parents: list = field(default_factory=list)
    past: int = 1

    def _follow(self, value, *parents):
        past = self.past + 1
        if self.is_slow:
            for _ in range(past):
                len(parents)
        return type(self)(value, list(parents), past)

    is_slow = True

    def __add__(self, other):
        return self._follow(self.value + of(other), (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        return self._follow(self.value * of(other), (self, of(other)), (other, self.value))

    __radd__, __rmul__ = __add__, __mul__

    def sin(self):
        return self._follow(np.sin(self.value), (self, np.cos(self.value)))

    def derivative(self, variable):
        if self is variable:
            return 1.0
        return sum(rate * each.derivative(variable) for each, rate in self.parents if isinstance(each, Node))


class QuickNode(Node):
    is_slow = False


def of(x):
    return x.value if isinstance(x, Node) else x


@dataclass
class Quadratic(Wrong):
    """Goes through all that was recorded at each operation."""

    def derivative(self, f, x):
        f(Node(float(x)))
        return super().derivative(f, x)


@dataclass
class Recursive(Wrong):
    """Walks back by recursion."""

    def derivative(self, f, x):
        variable = QuickNode(float(x))
        return float(f(variable).derivative(variable))


def as_floats(x):
    return np.asarray(x, dtype=float)


WRONG = [
    ("jvp_is_right", DoubledJvp),
    ("vjp_is_right", NegativeVjp),
    ("derivative_is_right", CoarseDerivative),
    ("derivative_is_right", NegativePoints),
    ("gradient_is_right", FlattenedGradient),
    ("value_and_gradient_is_right", RoundedValue),
    ("jacobian_is_right", TransposedJacobian),
    ("hvp_is_right", GaussNewton),
    ("hessian_is_right", DiagonalHessian),
    ("solves_installed_problems", PositivePoints),
    ("is_right_for_many_variables", ChunkOf64),
    ("gradient_is_right_whatever_its_size", ClippedGradient),
    ("gradient_is_right_whatever_its_size", FlushedGradient),
    ("is_right_for_many_variables", ColumnsUpTo32),
    ("is_right_for_many_variables", TriangularLargeHessian),
    ("jvp_and_vjp_are_dual", CoarseVjp),
    ("jvp_is_linear", NormalisedDirection),
    ("vjp_is_linear", ClippedWeights),
    ("hessian_is_symmetric", TriangularHessian),
    ("hvp_agrees_with_hessian", DoubledHvp),
    ("obeys_the_chain_rule", RoundedDerivative),
    ("keeps_nested_derivatives_apart", NaiveComplexStep),
    ("takes_integers", Truncating),
    ("takes_lists", ArraysOnly),
    ("takes_arrays_of_no_dimension", FloatsOnly),
    ("takes_single_precision", SinglePrecision),
    ("takes_any_memory_layout", WritesIntoThePoint),
    ("takes_directions_like_points", ArrayDirections),
    ("leaves_its_arguments_alone", LeavesAStep),
    ("calls_are_repeatable", RandomRounding),
    ("keeps_no_state_between_calls", RemembersByShape),
    ("gives_the_same_from_several_threads", SharedPoint),
    ("lets_errors_of_the_function_through", SwallowsErrors),
    ("lets_errors_of_the_function_through", SwallowsDivisionByZero),
    ("refuses_a_direction_of_another_shape", Broadcasting),
    ("refuses_the_gradient_of_several_values", SummedValues),
    ("refuses_the_derivative_by_several_variables", DerivativeAlongOnes),
    ("refuses_points_that_are_not_numbers", ReadsTexts),
    ("refuses_functions_that_do_not_return_numbers", NothingIsZero),
    ("refuses_operators_that_it_lacks", LacksWithoutReason),
    ("offers_all_other_operators", HasWhatItLacks),
    ("refuses_branches_as_declared", FollowsAllTheSame),
    ("promises_an_accuracy", PromisesNothing),
    ("evaluations_are_repeatable", Restless),
    ("gradient_evaluations_grow_at_most_linearly", QuadraticGradient),
    ("jvp_evaluations_do_not_depend_on_size", JvpByGradient),
    ("works_in_proportion_to_the_program", Quadratic),
    ("follows_long_programs", Recursive),
]
"""Check that must find it out → the plugin."""
