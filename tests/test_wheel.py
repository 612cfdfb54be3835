"""The wheel, installed into a fresh environment, does the main job in an empty folder."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from gradmix.registry.kinds import KINDS

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("wheel")]

ROOT = Path(__file__).parent.parent


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if "WHEEL" in os.environ:  # `make release` tries the one that is published
        return Path(os.environ["WHEEL"])
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT))
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_holds_packages_configs_and_data_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "gradmix/configs/config.yaml" in names
    assert "gradmix_datasets/old_faithful.csv" in names
    assert "gradmix/py.typed" in names
    assert {f"gradmix/reports/page/page.{kind}" for kind in ("html.j2", "css", "js")} <= set(names)
    assert {f"gradmix/authoring/templates/{kind}.py.txt" for kind in KINDS} <= set(names)
    assert "gradmix/authoring/templates/project/pyproject.toml.txt" in names
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    expected = {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()} | {"gradmix", "hydra_plugins"}
    assert tops == expected


@pytest.mark.slow
def test_the_wheel_has_the_version_of_its_commit_with_tags_or_without(wheel):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["version"]
    name, version, *_ = parse_wheel_filename(wheel.name)
    assert name == "gradmix"
    assert version >= Version(settings["fallback-version"])


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment_and_an_empty_folder(wheel, tmp_path):
    environment, folder = tmp_path / "environment", tmp_path / "empty"
    folder.mkdir()
    run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "--quiet",
        "--disable-pip-version-check",
        "install",
    ]
    # What is imported is compiled then: to compile all that is installed would take longer than the rest of the test.
    run(*install, "--no-compile", "--constraint", str(ROOT / "constraints.txt"), str(wheel))
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    out = run(str(environment / "bin" / "gradmix"), "run", cwd=folder, env=clean)
    assert "log_likelihood      -1130.26" in out
    read_back = (
        "from mlflow import MlflowClient\n"
        "client = MlflowClient('sqlite:///runs/mlflow.db')\n"
        "experiment = client.get_experiment_by_name('cluster').experiment_id\n"
        "(run,) = client.search_runs([experiment])\n"
        "curve = client.get_metric_history(run.info.run_id, 'log_likelihood')\n"
        "print(run.info.status, [p.step for p in curve] == list(range(1, len(curve) + 1)), round(curve[-1].value, 2))\n"
    )
    assert run(str(python), "-c", read_back, cwd=folder, env=clean) == "FINISHED True -1130.26\n"
