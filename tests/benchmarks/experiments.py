"""Running the experiments under ``configs/experiment/benchmark``, and reading what came of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from gradmix.contracts.errors import NotInstalledError
from gradmix.journal.reading import Run
from gradmix.registry.registry import registry
from gradmix.sweeps.selection import select

ROOT = Path(__file__).parents[2]
PACKAGES = ("gradmix", "numpy", "scipy", "scikit-learn", "autograd", "mygrad", "jax", "torch")
VERSIONS = "versions.json"


def run(names: Iterable[str], runs: Path) -> None:
    """Run experiments into a folder; a job that cannot run, as its peer is not installed, is left out."""
    runs.mkdir(parents=True, exist_ok=True)
    (runs / VERSIONS).write_text(json.dumps(_versions()), encoding="utf-8")
    for name in names:
        command = [sys.executable, "-m", "gradmix", "run", "-m", f"experiment=benchmark/{name}"]
        command += ["tracking=none", "reuse=false", f"runs_dir={runs}", *_without_absent(name)]
        subprocess.run(command, check=False)


def runs_of(name: str, runs: Path) -> list[Run]:
    """The runs of an experiment, finished or not, of the last time that it ran into that folder."""
    return list(select([runs / f"benchmark_{name}"], runs).runs)


def environment(run: Run, runs: Path) -> str:
    """One line for the machine and the versions: of the run's journal, and of when the folder's experiments ran."""
    here = run.started["environment"]
    versions = json.loads((runs / VERSIONS).read_text(encoding="utf-8"))
    packages = ", ".join(f"{name} {number}" for name, number in versions.items())
    return (
        f"Processor: {here['processor']}, {here['cores']} cores. {here['machine']}, Python {here['python']}, "
        f"BLAS {here['blas']}. {packages}."
    )


def _without_absent(name: str) -> list[str]:
    """The override that leaves out differentiators whose package is not installed, if there are any."""
    config = yaml.safe_load((ROOT / "configs" / "experiment" / "benchmark" / f"{name}.yaml").read_text())
    named = config["hydra"]["sweeper"]["params"].get("differentiator", "").split(",")
    present = [each for each in named if each and _is_installed(each)]
    return [f"differentiator={','.join(present)}"] if present and present != named else []


def _is_installed(differentiator: str) -> bool:
    try:
        registry().find("differentiator", differentiator).load()
    except NotInstalledError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
