"""`gradmix rm`: says what it will delete, asks, and then does it."""

import io
from pathlib import Path

import pytest

from made_journals import job, write_run, write_sweep

RUNS = Path("runs")
SWEEP = RUNS / "trial" / "2026-01-01_10-00-00-sweep"
SINGLE = RUNS / "trial" / "2026-01-02_10-00-00-gmm-iris"


@pytest.fixture
def runs(empty_folder):
    """A sweep of two jobs and a single run, none of them tracked."""
    for number in range(2):
        write_run(SWEEP / str(number), {"seed": number}, {"bic": 1.0}, started={"run_key": f"{number:08x}" * 8})
    write_sweep(SWEEP, [job(0), job(1)])
    write_run(SINGLE, {"seed": 2}, {"bic": 1.0}, at=9.0, started={"run_key": "abcdef01" * 8})
    return empty_folder


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "is_deleted"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_it_asks_and_only_yes_means_yes(runs, gradmix_main, monkeypatch, typed, is_deleted):
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    out = gradmix_main("rm", "abcdef", code=0 if is_deleted else 1).out
    assert f"{SINGLE}  {SINGLE.name}, finished" in out
    assert SINGLE.exists() is not is_deleted


def test_without_a_terminal_it_deletes_nothing_unless_told(runs, gradmix_main, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "Add --yes" in gradmix_main("rm", "last", code=1).err
    assert SINGLE.exists()
    gradmix_main("rm", "last", SWEEP.name, "--yes")
    assert not SINGLE.exists()
    assert not SWEEP.exists()


def test_a_sweep_is_named_with_the_number_of_its_runs(runs, gradmix_main):
    assert f"{SWEEP}  a sweep with 2 runs" in gradmix_main("rm", SWEEP.name, "-y").out


def test_a_key_of_several_runs_is_refused_with_their_folders(runs, gradmix_main):
    other = write_run(RUNS / "trial" / "b", {"seed": 2}, status="failed", started={"run_key": "abcdef01" * 8})
    err = gradmix_main("rm", "abcdef", "-y", code=2).err
    assert "2 runs have the key abcdef" in err
    assert f"{SINGLE}  finished" in err
    assert f"{other}  failed" in err
    assert SINGLE.exists()


def test_an_unknown_run_is_one_error_and_nothing_is_deleted(runs, gradmix_main):
    assert "no-such" in gradmix_main("rm", "last", "no-such", "-y", code=2).err
    assert SINGLE.exists()


def test_a_deleted_job_is_run_again_by_resume(empty_folder, gradmix_main):
    fast = ("tracking=none", "pictures=false", "hydra/launcher=basic")
    gradmix_main("run", "-m", "clusterer.n_components=2,3", *fast)
    gradmix_main("rm", "last/2", "-y")
    assert "job 2 is left out: its run" in gradmix_main("compare").err
    assert "2 jobs: 1 new, 1 done" in gradmix_main("resume", "last", "--plan").out
