"""What the built-in components give at this version: every default, and results that follow from them.

A wheel's built-in plugins are identified by its version alone, so results of one version may be reused by any sweep of
that version: whoever changes a default or a result changes the version. ``make record`` writes what holds for the
version that comes next to ``tests/fixtures/results.json``, and ``tests/test_recorded_results.py`` compares.
"""

import json
import re
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
from packaging.version import Version

from gradmix.config.build import build
from gradmix.config.spec import read_spec
from gradmix.contracts.options import options_of
from gradmix.registry.registry import registry
from gradmix.runs.runner import Order, execute

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "tests" / "fixtures" / "results.json"
PEERS = "gradmix_peers"
"""Their results are those of other libraries; their defaults are ours."""

_OLD_FAITHFUL = {"dataset": {"name": "old_faithful"}}
_IRIS = {"dataset": {"name": "iris", "standardise": True}}
_CLUSTERINGS = {
    **{
        f"gmm {kind} on {data['dataset']['name']}": {"clusterer": {"name": "gmm", "covariance_type": kind}, **data}
        for kind in ("full", "tied", "diag", "spherical")
        for data in (_OLD_FAITHFUL, _IRIS)
    },
    **{
        f"gmm from {start}": {"clusterer": {"name": "gmm", "init_params": start, "n_init": 2}, **_OLD_FAITHFUL}
        for start in ("kmeans", "k-means++", "projections", "random", "random_from_data")
    },
    "kmeans on old_faithful": {"clusterer": {"name": "kmeans"}, **_OLD_FAITHFUL},
    "kmeans on iris": {"clusterer": {"name": "kmeans", "n_clusters": 4, "n_init": 3}, **_IRIS},
    "metrics": {
        "metric": {name: {"name": name} for name in ("davies_bouldin", "calinski_harabasz")}
        | {"silhouette": {"name": "silhouette", "random_state": 0}},
        "clusterer": {"name": "kmeans"},
        **_IRIS,
    },
    "patience": {
        "events": {"patience": {"name": "patience"}},
        "clusterer": {"name": "gmm", "tol": 0.0},
        **_OLD_FAITHFUL,
    },
}
"""Runs of the task ``cluster``, by what they are called."""


def version():
    """The version that comes next; what is installed may be any commit before it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["version"]
    return Version(settings["fallback-version"]).base_version


def defaults():
    """Each option's default, by component: ``{"clusterer gmm": {"n_components": 2, …}, …}``."""
    built_in = [entry for entry in registry() if entry.plugin.distribution == "gradmix"]
    return {f"{entry.kind} {entry.name}": _defaults(entry) for entry in built_in if _can_be_loaded(entry)}


def results():
    """Numbers by name; what depends on the machine alone (times, the last bits of a derivative) is left out."""
    return {**_clusterings(), **_derivatives(), **_data()}


def _can_be_loaded(entry):
    """Whether it is ours, or a peer that every set-up of the tests has."""
    return entry.plugin.module != PEERS or entry.name not in ("torch", "tensorflow")


def _defaults(entry):
    return {option.name: option.default_in_config for option in options_of(entry.load())}


def _clusterings():
    found = {}
    for name, config in _CLUSTERINGS.items():
        config = {**config, "clusterer": {**config["clusterer"], "random_state": 0}}
        spec = read_spec({"name": "recorded", "pictures": False, "task": {"name": "cluster"}, **config})
        with tempfile.TemporaryDirectory() as folder:
            metrics = execute(Order(spec, Path(folder))).metrics
        found[f"cluster: {name}"] = {
            key: float(value) for key, value in metrics.items() if not key.startswith(("time.", "memory."))
        }
    return found


def _derivatives():
    """What each of our differentiators gives for each problem, and how often it calls the function for that."""
    found = {}
    for problem in _own("problem", excluded=("python",)):
        for differentiator in _own("differentiator"):
            task = registry().find("task", "differentiate").load()(differentiator=differentiator, problem=problem)
            steps = task.run()
            try:
                next(steps)
            except StopIteration as end:
                told = end.value
            found[f"{differentiator.__class__.__name__} of {problem.__class__.__name__}"] = {
                "computed": np.ravel(told.answer["computed"]).tolist(),
                "function_evaluations": told.metrics["function_evaluations"],
            }
    return found


def _data():
    """Of each data set its size, its mean and its spread."""
    return {
        f"data of {dataset.__class__.__name__}": {
            "shape": list(dataset.load().X.shape),
            "mean": float(dataset.load().X.mean()),
            "std": float(dataset.load().X.std()),
        }
        for dataset in _own("dataset", excluded=("file",))
    }


def _own(kind, excluded=()):
    names = [entry.name for entry in registry() if entry.kind == kind and entry.plugin.module != PEERS]
    seeded = {"random_state": 0}
    for name in sorted(set(names) - set(excluded)):
        cls = registry().find(kind, name).load()
        given = {option.name: 0 for option in options_of(cls) if option.name in seeded}
        yield build(kind, {"name": name, **given}, in_python=True).component


def differences(recorded, told, path=""):
    """What differs, in words: numbers by more than rounding can do on another machine."""
    if isinstance(recorded, dict) and isinstance(told, dict):
        for name in sorted({*recorded, *told}):
            if name not in told or name not in recorded:
                yield f"{path}{name}: {'gone' if name not in told else 'new'}"
            else:
                yield from differences(recorded[name], told[name], f"{path}{name} · ")
    elif not _alike(recorded, told, 1e-6 if "computed" in path else 1e-10):
        yield f"{path.removesuffix(' · ')}: was {recorded!r}, is {told!r}"


def _alike(recorded, told, tolerance):
    """Equal, or numbers that are close; divided differences magnify the last bit of the function's value."""
    if isinstance(recorded, list) and isinstance(told, list):
        return len(recorded) == len(told) and all(map(_alike, recorded, told, [tolerance] * len(told)))
    if isinstance(recorded, bool) or not isinstance(recorded, int | float) or not isinstance(told, int | float):
        return type(recorded) is type(told) and recorded == told
    return bool(np.isclose(told, recorded, rtol=tolerance, atol=0, equal_nan=True))


def is_released(number):
    """Whether the changelog has a version."""
    return bool(re.search(rf"^## {re.escape(number)} ", (ROOT / "docs/CHANGELOG.md").read_text(), re.M))


def main():
    """Record; refuses what a released version must not do."""
    told = json.loads(json.dumps({"version": version(), "defaults": defaults(), "results": results()}))
    was = json.loads(RECORD.read_text()) if RECORD.exists() else None
    changes = list(differences(was, told)) if was else []
    if changes and was["version"] == version() and is_released(version()):
        print(f"{version()} is released: raise fallback-version in pyproject.toml first", *changes, sep="\n  ")
        return 1
    RECORD.write_text(json.dumps(told, indent=1) + "\n")
    print(f"recorded what {version()} gives", *changes, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
