"""Import: side effects and cost of importing the component's module in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.subject import Subject

MODULE_BUDGET = 250
"""Modules that an import may load: enough for NumPy and the plugin, not for SciPy, pandas, scikit-learn or MLflow."""

_SECONDS = 50

_CHILD = """
import json, os, sys
import gradmix.registry.registry
sys.path[:0] = json.loads(sys.argv[2])
before = set(sys.modules)
from importlib import import_module
import_module(sys.argv[1])
print("\\n" + json.dumps(sorted(set(sys.modules) - before)))
"""


def is_imported_fast(subject: Subject) -> None:
    """Importing its module loads at most 250 modules: NumPy, but not SciPy, pandas, scikit-learn, MLflow or the like.

    Listings, ``--help`` and tab completion import the module. Import heavy packages inside the functions that use them.
    """
    modules = _imported(subject)["modules"]
    if len(modules) > MODULE_BUDGET:
        packages = Counter(module.partition(".")[0] for module in modules).most_common(4)
        most = ", ".join(f"{package} ({count})" for package, count in packages)
        raise BrokenPromiseError(
            f"at most {MODULE_BUDGET} modules", f"{len(modules)}, most of them of {most}", f"import {_module(subject)}"
        )


def is_imported_quietly(subject: Subject) -> None:
    """Importing its module prints nothing and leaves no file in the working folder."""
    imported = _imported(subject)
    if imported["printed"]:
        raise BrokenPromiseError("no output", repr(imported["printed"]), f"import {_module(subject)}")
    if imported["files"]:
        raise BrokenPromiseError("no file", ", ".join(imported["files"]), f"import {_module(subject)}")


def _module(subject: Subject) -> str:
    module = subject.component.__module__
    if module == "__main__":
        raise NotApplicableError("a class of the main program is not imported")
    return module


def _imported(subject: Subject) -> dict[str, Any]:
    module = _module(subject)
    source = getattr(sys.modules[module], "__file__", None)
    if source is None:
        raise NotApplicableError(f"{module} has no file")
    folder = Path(source).resolve().parents[module.count(".") + (Path(source).name == "__init__.py")]
    return _import(module, str(folder))


@cache
def _import(module: str, folder: str) -> dict[str, Any]:
    """Import a module in a new process, in an empty folder."""
    places = [*(str(Path(place).resolve()) for place in sys.path), folder]
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, module, json.dumps(places)],
            cwd=empty,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=_environment(places),
        )
        files = sorted(path.name for path in Path(empty).iterdir())
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise BrokenPromiseError("an import without an error", reason, f"import {module}")
    printed, _, modules = done.stdout.rstrip().rpartition("\n")
    return {"modules": json.loads(modules), "printed": printed.strip(), "files": files}


def _environment(places: list[str]) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"}
