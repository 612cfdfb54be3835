"""Plugin projects, installed by pip: a new one where it is written, the example as a wheel."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from conftest import HANGS

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("projects")]

EXAMPLE = Path(__file__).parent.parent / "docs" / "example-plugin"


@pytest.fixture
def environment(tmp_path):
    """A fresh environment that sees what this one has installed; a function that runs Python in it."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")

    def run(*arguments, cwd=tmp_path):
        wide = {**os.environ, "COLUMNS": "200"}
        done = subprocess.run(
            [python, *arguments], capture_output=True, text=True, cwd=cwd, timeout=HANGS, check=False, env=wide
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    own = Path(run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (own / "ours.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    return run


def install(run, *what):
    run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *what)


@pytest.mark.slow
def test_a_new_project_is_installed_where_it_is_written(environment, tmp_path):
    environment("-m", "gradmix", "new", "clusterer", "nearest_median")
    install(environment, "--editable", str(tmp_path / "nearest_median"))
    assert "gradmix-nearest-median 0.1.0" in environment("-m", "gradmix", "plugins", "nearest_median")
    out = environment("-m", "gradmix", "run", "clusterer=nearest_median", "tracking=none", "pictures=false")
    assert "clusterer nearest_median" in out
    assert " 0 failed" in environment("-m", "gradmix", "check", "nearest_median")
    assert "passed" in environment("-m", "pytest", "-q", cwd=tmp_path / "nearest_median")
    assert "gradmix-nearest-median:clusterer.nearest_median" in environment("-m", "gradmix", "plugins", "doctor")


@pytest.mark.slow
def test_the_example_is_built_installed_and_checked(environment, tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(EXAMPLE)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    install(environment, str(wheel))
    for metric in ("euclidean", "cityblock", "chebyshev"):
        assert " 0 failed" in environment("-m", "gradmix", "check", "k_medoids", f"metric={metric}")
    shutil.copy(EXAMPLE / "test_k_medoids.py", tmp_path)
    assert "passed" in environment("-m", "pytest", "-q", "test_k_medoids.py")
    environment("-m", "gradmix", "run", "clusterer=k_medoids", "tracking=none", "pictures=false")
