"""Every component that comes with gradmix keeps its contract."""

import shutil

import pytest

from gradmix.contracts.errors import NotInstalledError
from gradmix.registry.registry import registry
from gradmix.testing import checks_for, subject
from gradmix.testing.pytest_tests import failure_text
from gradmix.testing.runner import outcomes

pytestmark = pytest.mark.processes

BUILT_IN = [entry for entry in registry() if entry.plugin.distribution == "gradmix"]
OF_PEERS = [entry for entry in BUILT_IN if entry.plugin.module == "gradmix_peers"]
OWN = [entry for entry in BUILT_IN if entry not in OF_PEERS]
SECONDS = 1800.0
"""After these, a check is taken to hang. JAX compiles each function, which takes a while on a busy machine."""
VARIANTS = [
    ("clusterer", "gmm", {"covariance_type": "tied", "n_components": 3}),
    ("clusterer", "gmm", {"covariance_type": "diag", "init_params": "random_from_data"}),
    ("clusterer", "gmm", {"covariance_type": "spherical", "n_init": 2}),
    ("clusterer", "gmm_gradient", {"covariance_type": "diag", "differentiator": "dual", "n_components": 3}),
    ("clusterer", "gaussian", {"covariance_type": "EVE"}),
    ("clusterer", "kmeans", {"n_clusters": 4, "n_init": 3}),
    ("differentiator", "dual", {"components": 1}),
    ("differentiator", "source", {"mode": "forward"}),
    ("differentiator", "source", {"mode": "reverse"}),
    ("differentiator", "finite_difference", {"method": "forward"}),
    ("differentiator", "finite_difference", {"method": "backward"}),
    ("differentiator", "finite_difference", {"method": "complex_step"}),
    ("problem", "rosenbrock", {"n": 7}),
    ("problem", "lotka_volterra", {"steps": 30, "step": 0.1, "rates": (0.5, 2.0, -1.0, 0.25)}),
    ("problem", "mixture_objective", {"d": 3, "k": 3, "n": 4, "data_seed": 1}),
    ("problem", "mixture_objective", {"d": 1, "k": 1, "n": 2}),
    ("problem", "network", {"inputs": 3, "hidden": 5, "outputs": 4, "batch": 7, "data_seed": 2}),
    ("problem", "vector_map", {"n": 6, "data_seed": 3}),
    *[("solver", "scipy_optimize", {"method": method}) for method in ("CG", "L-BFGS-B", "trust-exact", "hybr", "trf")],
    *[("solver", "scipy_ode", {"method": method}) for method in ("BDF", "LSODA", "RK45")],
    ("solver", "newton", {"differentiator": "finite_difference", "line_search": False}),
    ("problem", "robertson", {"rates": (1.0, 2.0, 3.0), "steps": 5, "step": 0.1, "iterations": 8}),
    ("problem", "more_garbow_hillstrom", {"which": "kowalik_osborne"}),
    ("task", "solve", {"problem": "kepler", "solver": "gauss_newton"}),
    ("task", "differentiate", {"problem": "rosenbrock", "differentiator": "tape"}),
    ("task", "cluster", {"clusterer": "kmeans", "dataset": "iris"}),
]


@pytest.fixture
def needed(empty_folder):
    """What must be given, by kind and name."""
    (empty_folder / "rows.csv").write_text("a,b,group\n1.5,2,x\n3,4,y\n5,7,x\n")
    (empty_folder / "my_cube.py").write_text("def f(x):\n    return x**3\n\n\ndef df(x):\n    return 3 * x**2\n")
    return {
        ("dataset", "file"): {"path": "rows.csv", "label": "group"},
        ("events", "notify"): {"url": "http://127.0.0.1:9/"},
        ("task", "check"): {"component": "cubic"},
        ("problem", "python"): {"path": "my_cube.py:f", "derivative": "my_cube.py:df", "x": 2.0},
    }


def check(kind, name, options):
    try:
        found = subject(name, kind, **options)
    except NotInstalledError as missing:
        pytest.skip(str(missing))
    failed = [failure_text(outcome) for outcome in outcomes(found, checks_for(found), SECONDS) if outcome.failure]
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("entry", OWN, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_it_passes_at_its_defaults(entry, needed):
    check(entry.kind, entry.name, needed.get((entry.kind, entry.name), {}))


@pytest.mark.no_cover
@pytest.mark.parametrize(("kind", "name", "options"), VARIANTS, ids=lambda value: str(value))
def test_it_passes_with_other_options(kind, name, options, empty_folder):
    check(kind, name, options)


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("entry", OF_PEERS, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_peers_pass_but_for_where_they_say_they_deviate(entry, empty_folder):
    if entry.name == "cppad" and not any(map(shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("there is no C++ compiler")
    check(entry.kind, entry.name, {})
