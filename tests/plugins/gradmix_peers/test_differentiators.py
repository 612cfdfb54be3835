"""What a peer's differentiator promises: the same NumPy function, its own derivatives, or a clear refusal."""

import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import gradmix
from gradmix import DifferentiationError, NumericalError
from gradmix.registry.registry import registry
from gradmix_peers import gradmix_components
from gradmix_tasks.differentiate import errors

CLASSES = gradmix_components()["differentiator"]
PEERS = sorted(CLASSES)
ENTRYWISE = ["casadi", "cppad", "symbolic", "sympy"]
EVALUATING = ["numdifftools", "scipy"]
READING = ["tangent"]  # which has a test file of its own
HANDED = [name for name in PEERS if name not in READING]
FOLLOWING = [name for name in HANDED if name not in EVALUATING]
NOT_COMPILED = [name for name in HANDED if name not in ("jax_compiled", "symbolic")]  # which do not look at values
SMOOTH = [
    entry.name
    for entry in registry()
    if entry.kind == "problem" and entry.name != "python" and "exact_is_right" not in entry.load().deviates
]
"""Problems whose exact answer is the derivative of their program."""
OF_TANGENT = ["broyden", "diffusion", "lotka_volterra", "mixture_objective", "more_garbow_hillstrom", "network"]
OF_TANGENT += ["polynomial", "robertson", "speelpenning"]
REFUSED = {
    ("jax_compiled", "heron"): "branches, loops or choices depend on values. Use differentiator=jax",
    **{(name, "diffusion"): "cannot follow" for name in (*ENTRYWISE, "mygrad")},
    **{
        ("symbolic", name): "a choice in this function depends on values"
        for name in ("heron", "mixture_objective", "network")
    },
    **dict.fromkeys([("tangent", name) for name in OF_TANGENT], "Tangent cannot"),
    ("scipy", "more_garbow_hillstrom"): "did not converge",
}
"""Peer and problem → what it says; `diffusion` solves equations, and near the point of the last an angle jumps."""

X = np.array([0.5, -0.3, 0.8, 1.2])
V = np.array([1.0, -2.0, 0.3, 0.4])


def each_of(names):
    """One test for each of these peers.

    One worker imports a peer, which takes seconds. CppAD starts a compiler; JAX compiles each operation once.
    """
    costs = {"cppad": [pytest.mark.processes], "jax": [pytest.mark.slow]}

    def marked(name):
        return pytest.param(name, marks=[pytest.mark.xdist_group(name), *costs.get(name, [])])

    return pytest.mark.parametrize("name", [marked(name) for name in names])


def peer(name):
    """The peer, if its package is installed: torch and tensorflow are too large to install for tests alone."""
    if name in ("torch", "tensorflow"):
        pytest.importorskip(name)
    if name == "cppad" and not any(map(shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("there is no C++ compiler")
    return gradmix.differentiator(name)


def model(x):
    """A function of ℝ⁴ with most kinds of operation in it: branches, reversals, products with plain arrays."""
    a = np.tanh(x[:2] @ np.array([[1.0, 2.0], [-0.5, 0.3]]))
    b = np.where(x > 0, np.log1p(x**2), np.sin(x))
    return np.concatenate([a, b * x[::-1], np.stack([np.linalg.norm(x)])])


def energy(x):
    """A function with one value, which takes x apart and builds arrays of what it finds."""
    a, b, c, d = x
    y = np.array([a * b, np.exp(c)])
    return np.sum(y**2) + np.maximum(a, d) * np.hypot(b, c) + np.mean(np.stack([a, b]) * np.array([1.0, 2.0])) + 2.0


def complex_step_jacobian(f, x, h=1e-30):
    """Outside truth for analytic functions: no differentiator, no subtraction."""
    return np.stack([f(x + 1j * h * e).imag / h for e in np.eye(len(x))], axis=-1)


def analytic(x):
    """As `model`, in what complex numbers can do."""
    a = np.tanh(x[:2] @ np.array([[1.0, 2.0], [-0.5, 0.3]]))
    return np.concatenate([a, np.exp(np.sin(x) * x[::-1]), x[:1] / x[1:2]])


@pytest.mark.parametrize("problem", SMOOTH)
@each_of(PEERS)
def test_every_peer_solves_every_smooth_problem_or_refuses_it(name, problem):
    if (name, problem) == ("symbolic", "robertson"):
        pytest.skip("its formula is that of sympy, whose algebra takes long")
    differentiator, refusal = peer(name), REFUSED.get((name, problem))
    problem = registry().find("problem", problem).load()()
    operator = getattr(differentiator, problem.operator)
    if refusal:
        with pytest.raises((DifferentiationError, NumericalError), match=refusal):
            operator(problem.function, problem.point())
        return
    computed, exact = operator(problem.function, problem.point()), problem.exact()
    if exact is None:
        exact = getattr(gradmix.differentiator("tape"), problem.operator)(problem.function, problem.point())
    assert errors(computed, exact)["derivative_error"] <= differentiator.accuracy


@each_of(HANDED)
def test_every_operator(name):
    differentiator = peer(name)
    first, second = 10 * differentiator.accuracy, 1e4 * differentiator.accuracy
    truth = complex_step_jacobian(analytic, X)
    np.testing.assert_allclose(differentiator.jacobian(analytic, X), truth, rtol=first, atol=first)
    np.testing.assert_allclose(differentiator.jvp(analytic, X, V), truth @ V, rtol=first, atol=first)
    w = np.arange(1.0, 8.0)
    np.testing.assert_allclose(differentiator.vjp(analytic, X, w), w @ truth, rtol=first, atol=first)
    value, gradient = differentiator.value_and_gradient(lambda x: np.sum(analytic(x) * w), X)
    assert value == pytest.approx(np.sum(analytic(X) * w), rel=1e-14)
    np.testing.assert_allclose(gradient, w @ truth, rtol=first, atol=first)
    assert differentiator.derivative(np.exp, 0.5) == pytest.approx(np.exp(0.5), rel=first)
    if "hessian" in differentiator.lacks:
        return

    def quartic(x):
        return np.sum(x**4) + x[0] * x[1] * x[2]

    hessian = np.diag(12 * X**2)
    for i, j, k in [(0, 1, 2), (0, 2, 1), (1, 2, 0)]:
        hessian[i, j] = hessian[j, i] = X[k]
    np.testing.assert_allclose(differentiator.hessian(quartic, X), hessian, rtol=second, atol=second)
    np.testing.assert_allclose(differentiator.hvp(quartic, X, V), hessian @ V, rtol=second, atol=second)


@each_of(NOT_COMPILED)
def test_push_forward_and_pull_back_are_dual(name):
    differentiator, w = peer(name), np.linspace(-1.0, 2.0, 7)
    pushed, pulled = differentiator.jvp(model, X, V), differentiator.vjp(model, X, w)
    assert w @ pushed == pytest.approx(pulled @ V, rel=10 * differentiator.accuracy)


@each_of(NOT_COMPILED)
@pytest.mark.filterwarnings("ignore:Output seems independent of input:UserWarning")
def test_functions_that_take_arrays_apart_and_build_new_ones(name):
    differentiator, forward = peer(name), gradmix.differentiator("dual")
    tol = 10 * differentiator.accuracy
    np.testing.assert_allclose(differentiator.gradient(energy, X), forward.gradient(energy, X), rtol=tol, atol=tol)
    np.testing.assert_allclose(differentiator.jacobian(model, X), forward.jacobian(model, X), rtol=tol, atol=tol)
    np.testing.assert_allclose(differentiator.gradient(lambda x: 3.0, X), np.zeros(4), atol=tol)


@each_of(NOT_COMPILED)
def test_branches_and_loops_on_values_are_followed(name):
    def orbit(x):
        y = x
        while y < 10:
            y = y * y + x if y > 1 else 2 * y + 1
        return np.array([y, 3.0])

    # 0.4 → 1.8 → 1.8² + x = 3.64 → 3.64² + x = 13.6496: y' = 2·3.64·(2·1.8·2 + 1) + 1
    differentiator = peer(name)
    computed = differentiator.derivative(orbit, 0.4)
    tol = 10 * differentiator.accuracy
    np.testing.assert_allclose(computed, [2 * 3.64 * (2 * 1.8 * 2 + 1) + 1, 0.0], rtol=tol, atol=tol)


@each_of(FOLLOWING)
def test_what_cannot_be_followed_is_refused_in_words(name):
    import math

    differentiator = peer(name)
    with pytest.raises(DifferentiationError, match=r"cannot follow float\(\), int\(\) or the math module"):
        differentiator.derivative(lambda x: math.sin(x), 0.5)
    with pytest.raises(DifferentiationError, match=r"cannot follow"):
        differentiator.gradient(lambda x: np.packbits(x)[0], X)
    with pytest.raises(DifferentiationError, match="in another differentiation"):
        differentiator.derivative(lambda x: differentiator.derivative(lambda y: x * y, 1.0), 1.0)
    with pytest.raises(DifferentiationError, match=r"w has the shape \(3,\)"):
        differentiator.vjp(analytic, X, np.ones(3))


@each_of(ENTRYWISE)
def test_peers_of_scalars_refuse_linear_algebra(name):
    with pytest.raises(DifferentiationError, match="entry by entry"):
        peer(name).gradient(lambda x: np.linalg.det(x), np.eye(2))


def test_jax_leaves_its_settings_as_they_were():
    jax = pytest.importorskip("jax")
    before = jax.numpy.ones(1).dtype
    peer("jax").gradient(energy, X)
    assert jax.numpy.ones(1).dtype == before


def test_scipy_says_when_it_has_not_converged():
    with pytest.raises(gradmix.NumericalError, match="estimated error"):
        gradmix.differentiator("scipy", maxiter=1).derivative(np.exp, 1.0)


@pytest.mark.processes
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(tmp_path):
    """A package that is hidden stands for one that is missing."""
    program = (
        "import sys, importlib.machinery as m\n"
        "find = m.PathFinder.find_spec\n"
        "m.PathFinder.find_spec = lambda name, *rest: None if name.split('.')[0] == 'casadi' else find(name, *rest)\n"
        "import gradmix\n"
        "gradmix.differentiator('casadi')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert "needs casadi, which is not installed" in done.stderr
    assert "pip install 'gradmix[casadi]'" in done.stderr


@pytest.mark.processes
def test_looking_at_peers_imports_none_of_them():
    modules = [
        "autograd",
        "casadi",
        "faiss",
        "jax",
        "mygrad",
        "numdifftools",
        "pytensor",
        "sympy",
        "tensorflow",
        "torch",
    ]
    assert {module for module in modules if find_spec(module)} >= {"jax", "casadi"}, "the test would see nothing"
    program = (
        "import sys, gradmix\n"
        "from gradmix.registry.registry import registry\n"
        "from gradmix.contracts.options import options_of\n"
        "from gradmix_peers import gradmix_components\n"
        "for kind, names in gradmix_components().items():\n"
        "    for place in names.values():\n"
        "        module, _, name = place.partition(':')\n"
        "        options_of(getattr(__import__(module, fromlist=[name]), name))\n"
        f"print(sorted(set({[*modules, 'sklearn']!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Preparation: a graph or a compiled function serves for other points, if the function takes the same way there.

PREPARING = ["casadi", "cppad", "jax", "jax_compiled", "pytensor", "symbolic", "sympy"]


def smooth(x):
    """A function that looks at no values."""
    return np.stack([np.exp(x[0]) * x[1] - x[2] ** 2, np.sin(x[0] * x[3]) / (1.0 + x[1] ** 2)])


def turning(x):
    """A function that takes another way where the first variable is negative."""
    return np.stack([x[0] ** 3 * x[1] if x[0] > 0 else np.exp(x[2]) - x[0], x[3]])


@each_of(PREPARING)
def test_what_was_prepared_serves_at_other_points(name):
    """Operators there are those of the differentiator itself, and the function is not called again."""
    made, calls = peer(name), []

    def counted(x):
        calls.append(x)
        return smooth(x)

    prepared = made.prepare(counted, X)
    first = prepared.jacobian(X)
    before = len(calls)
    at = X * 0.5 + 0.1
    np.testing.assert_allclose(prepared.jacobian(at), complex_step_jacobian(smooth, at), rtol=1e-13)
    np.testing.assert_allclose(first, complex_step_jacobian(smooth, X), rtol=1e-13)
    if name not in ("jax", "jax_compiled"):
        assert len(calls) == before
    w = np.array([0.3, -2.0])
    np.testing.assert_allclose(prepared.vjp(at, w), w @ complex_step_jacobian(smooth, at), rtol=1e-13)
    np.testing.assert_allclose(prepared.jvp(at, V), complex_step_jacobian(smooth, at) @ V, rtol=1e-13)


@each_of([name for name in PREPARING if name not in ("jax_compiled", "symbolic")])
@pytest.mark.parametrize("at", [X, -X])
def test_what_was_prepared_on_another_way_is_not_used(name, at):
    """A function that looks at values is followed at each point."""
    prepared = peer(name).prepare(turning, X)
    np.testing.assert_allclose(prepared.jacobian(at), complex_step_jacobian(turning_real(at), at), rtol=1e-13)


def turning_real(at):
    """`turning` with the way that it takes at a point, for complex numbers near that."""
    if at[0] > 0:
        return lambda x: np.stack([x[0] ** 3 * x[1], x[3]])
    return lambda x: np.stack([np.exp(x[2]) - x[0], x[3]])
