"""`gradmix show`: a run in a few lines, and its picture."""

import pytest

from gradmix.cli.main import main
from gradmix.journal.writing import Journal

FAST = ["tracking=none", "pictures=false", "hydra/launcher=basic"]


@pytest.fixture
def ran(empty_folder):
    """A finished run and one that failed, without tracking."""
    fast = ["tracking=none", "pictures=false", "clusterer.max_iter=3"]
    assert main(["run", *fast, "clusterer.n_components=3"]) == 0
    assert main(["run", *fast, "dataset=file", "dataset.path=none.csv", "name=broken"]) == 1
    return empty_folder


def test_a_run_is_described(ran, capsys):
    assert main(["show", "gmm-old_faithful"]) == 0
    out = capsys.readouterr().out
    assert "finished" in out
    assert "clusterer.n_components=3" in out
    assert "clusterer.tol" not in out
    assert "log_likelihood" in out


def test_a_failed_run_says_why(ran, capsys):
    assert main(["show", "last"]) == 0
    out = capsys.readouterr().out
    assert "failed" in out
    assert "none.csv" in out


def test_a_run_is_drawn_into_its_folder_or_a_file(ran, capsys):
    assert main(["show", "gmm-old_faithful", "--picture"]) == 0
    assert len(list(ran.rglob("artifacts/fit.png"))) == 1
    assert main(["show", "gmm-old_faithful", "--picture", "my.png"]) == 0
    assert (ran / "my.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none-such"], "none-such"),
        (["cluster"], "is not a run or a sweep"),
        (["last", "--picture"], "its status is failed"),
    ],
)
def test_what_cannot_be_shown_is_refused(ran, capsys, arguments, complaint):
    assert main(["show", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_jobs_of_a_sweep_count_from_1_as_in_its_lines(empty_folder, capsys):
    assert main(["run", "-m", "clusterer.n_components=2,3", *FAST]) == 0
    assert "2/2  clusterer.n_components=3" in capsys.readouterr().out
    assert main(["run", "-m", "clusterer.n_components=3,4", *FAST]) == 0
    first, second = (path.name for path in sorted(empty_folder.glob("runs/cluster/*-sweep*")))
    for name, n_components in {f"{first}/2": 3, f"{second}/1": 3, f"runs/cluster/{first}/1": 3, "last/2": 4}.items():
        capsys.readouterr()
        assert main(["show", name]) == 0
        assert f"clusterer.n_components={n_components}" in capsys.readouterr().out
    assert main(["show", second, "--picture"]) == 2
    assert f"job by job, such as {second}/1" in capsys.readouterr().err
    for number in (0, 3):
        assert main(["show", f"{second}/{number}"]) == 2
        assert "jobs are counted from 1" in capsys.readouterr().err


def test_what_was_interrupted_says_so_and_how_to_go_on(empty_folder, capsys):
    sweep = empty_folder / "runs" / "cluster" / "2026-01-01_00-00-00-sweep"
    for folder, kind in {sweep: "sweep", sweep / "0": "run"}.items():
        folder.mkdir(parents=True)
        journal = Journal(folder)
        journal.write("started", format=1, kind=kind, label=f"the {kind}")
        journal.write("interrupted", error="KeyboardInterrupt")
        journal.close()
    for name, is_sweep in {"last": True, "last/1": False}.items():
        assert main(["show", name]) == 0
        out = capsys.readouterr().out
        assert "interrupted" in out
        assert "KeyboardInterrupt" not in out
        assert ("gradmix resume 2026-01-01_00-00-00-sweep" in out) is is_sweep
