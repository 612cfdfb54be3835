"""`gradmix resume` of a sweep that may come from someone else: what its journal names is not simply taken."""

import json
import shutil
from pathlib import Path

import pytest

from gradmix.cli.main import main

FAST = ["pictures=false", "tracking=none"]


@pytest.fixture(scope="module")
def finished_sweep(tmp_path_factory):
    """A sweep of two jobs that has finished, in a folder of its own."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("seed=1,2")
    return folder / "runs"


@pytest.fixture
def two_jobs(finished_sweep, empty_folder, capsys):
    """A copy of that sweep, as if it had been started here."""
    shutil.copytree(finished_sweep, empty_folder / "runs")
    rewrite(working_folder=str(empty_folder))
    capsys.readouterr()


def run(*arguments):
    assert main(["run", "-m", "hydra/launcher=basic", *arguments, *FAST]) == 0


def resume(*arguments):
    return main(["resume", "last", *arguments])


def sweep():
    """Folder of the only sweep."""
    (journal,) = Path().glob("*/*/*-sweep/journal.jsonl")
    return journal.parent


def rewrite(**fields):
    """Change fields of the first line of the sweep's journal, whose end is not yet written."""
    path = sweep() / "journal.jsonl"
    first, *others = path.read_text().splitlines()
    others = [line for line in others if '"event": "job"' in line]
    path.write_text("\n".join([json.dumps({**json.loads(first), **fields}), *others]) + "\n")


def files():
    """Content of every file below the folder of runs."""
    return {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}


def arguments():
    return json.loads((sweep() / "journal.jsonl").read_text().splitlines()[0])["arguments"]


LEFT_OUT = [
    "+hydra.launcher.setup=['touch pwned']",
    "hydra/launcher=submitit_local",
    "+hydra.job.env_set.PYTHONSTARTUP=evil.py",
    "+hydra.callbacks.c._target_=evil.f",
    "++hydra.sweeper._target_=evil.f",
    "hydra/job_logging=default",
    "hydra.searchpath=[pkg://evil]",
    "+mine@hydra.job_logging=evil",
    "tracking.uri=http://evil.example.org",
    "tracking={uri:http://evil.example.org}",
    "tracking.artifacts=/tmp/evil",
    "runs_dir=/tmp/evil",
    "plugins.files=[evil.py]",
    "name=${oc.env:HOME}",
]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2001"], "there is no sweep, experiment or run '2001'"),
        (["last", "clusterer.n_components=3"], "would change the results of the sweep"),
        (["last", "bogus=1"], "unknown option bogus"),
        (["last", "picturse=false"], "Did you mean pictures?"),
        (["last", "hydra.lancher.workers=2"], "unknown option hydra.lancher. Did you mean hydra.launcher?"),
        (["last", "hydra/lancher=joblib"], "unknown option hydra/lancher"),
        (["last", "hydra/sweeper=basic"], "would change the results of the sweep"),
        (["last", "hydra.mode=RUN"], "would change the results of the sweep"),
        (["last", "--fast"], "unknown option --fast"),
    ],
)
def test_what_cannot_be_resumed_is_told(two_jobs, capsys, arguments, message):
    before = files()
    assert main(["resume", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert files() == before


def test_what_a_journal_must_not_name_is_left_out_and_listed(two_jobs, capsys):
    rewrite(arguments=[*arguments(), *LEFT_OUT])
    assert resume("--plan") == 0
    out, err = capsys.readouterr()
    listed = err.partition("may come from someone else:")[2]
    assert [evil for evil in LEFT_OUT if f"'{evil}'" not in listed] == []
    assert "--as-before" in err
    assert "2 jobs: 2 done" in out


@pytest.mark.processes
def test_a_strangers_sweep_runs_without_what_it_must_not_name(two_jobs, capsys):
    rewrite(arguments=[*arguments(), *LEFT_OUT])
    shutil.rmtree(sweep() / "1")
    assert resume() == 0
    assert "done                2" in capsys.readouterr().out
    assert [path.name for path in Path().iterdir()] == ["runs"]


KEPT = [
    "hydra.mode=MULTIRUN",
    "tracking.models=false",
    "on_error=retry:2",
    "limits.seconds=60",
    "hydra/sweeper=gradmix",
    "tracking.uri=null",
    "tracking.artifacts=null",
]


def test_what_is_harmless_is_taken_as_it_was(two_jobs, capsys):
    kept = [each for each in arguments() if not each.startswith("hydra/launcher")]
    rewrite(arguments=[*kept, *KEPT, f"runs_dir={Path.cwd()}/runs"])
    assert resume("--plan") == 0
    assert capsys.readouterr().err == ""


def test_what_was_left_out_can_be_given_again(two_jobs, capsys):
    assert resume("--plan", "hydra/launcher=basic") == 0
    assert capsys.readouterr().err == ""


def test_jobs_go_without_the_address_that_was_left_out(two_jobs, capsys):
    address = "tracking.uri=sqlite:///elsewhere.db"
    rewrite(arguments=[*arguments(), address], jobs=[["seed=1", address], ["seed=2", address]])
    assert resume("--plan") == 0
    assert "2 jobs: 2 done" in capsys.readouterr().out


def test_as_before_takes_what_the_journal_names(two_jobs, capsys):
    rewrite(arguments=[*arguments(), "tracking.uri=sqlite:///elsewhere.db", "tracking.artifacts=elsewhere"])
    assert resume("--plan", "--as-before") == 0
    assert capsys.readouterr().err == ""


def test_code_that_a_sweep_was_started_with_is_named_again(empty_folder, gradmix_command):
    gradmix_command("new", "clusterer", "nearest_median", "--file")
    files = "plugins.files=[nearest_median.py]"
    gradmix_command("run", "-m", "hydra/launcher=basic", "clusterer=nearest_median,kmeans", files, *FAST)
    out, errors = gradmix_command("resume", "last")
    assert "1 done, 1 done, but outdated" in out
    assert f"'{files}'" in errors.partition("may come from someone else:")[2]
    for words in (files, "--as-before"):
        out, _ = gradmix_command("resume", "last", words)
        assert "2 jobs: 2 done" in out


@pytest.mark.slow
def test_a_function_is_named_again(empty_folder, capsys):
    Path("mine.py").write_text("def f(x):\n    return x * x\n")
    path = "problem.path=mine.py:f"
    run("task=differentiate", "differentiator=dual,tape", "problem=python", path)
    shutil.rmtree(sweep() / "1")
    capsys.readouterr()
    assert resume("hydra/launcher=basic") == 2
    assert f"add '{path}'" in capsys.readouterr().err
    assert resume("hydra/launcher=basic", path) == 0
    shutil.rmtree(sweep() / "1")
    assert resume("--as-before") == 0


@pytest.mark.parametrize("evil", ["+hydra.job.env_set.A=b", "+mine@hydra.job_logging=x", "name='${oc.env:HOME}'"])
def test_a_journals_jobs_are_overrides_of_runs(two_jobs, capsys, evil):
    rewrite(jobs=[["seed=1"], ["seed=2", evil], ["seed=3", evil]])
    assert resume("--plan") == 2
    assert f"job 3 has the override {evil!r}" in capsys.readouterr().err


def test_a_journals_jobs_name_no_address(two_jobs, capsys):
    rewrite(jobs=[["seed=1"], ["seed=2"], ["seed=3", "tracking.uri=http://evil.example.org"]])
    assert resume("hydra/launcher=basic") == 2
    assert "you did not set it" in capsys.readouterr().err


def test_jobs_are_run_where_the_sweep_is_whatever_its_journal_says(two_jobs, capsys):
    rewrite(jobs=[["seed=1"], ["seed=2"], ["seed=3", "runs_dir=/tmp/evil"]])
    assert resume("hydra/launcher=basic") == 0
    assert "3 jobs: 1 new, 2 done" in capsys.readouterr().out
    assert (sweep() / "2").is_dir()
    assert not Path("/tmp/evil").exists()


@pytest.mark.parametrize("name", ["archive", "an old 'one'"])
def test_a_sweep_is_finished_where_its_runs_were_moved_to(empty_folder, capsys, name):
    run("seed=1,2", "hydra/launcher=basic")
    run("seed=2,3,4", "hydra/launcher=basic")
    Path("runs").rename(name)
    folder = sorted(Path(name).glob("cluster/*-sweep*"))[-1]
    shutil.rmtree(folder / "2")
    capsys.readouterr()
    assert main(["resume", "last", "--runs-dir", name, "hydra/launcher=basic"]) == 0
    assert "3 jobs: 1 new, 2 done" in capsys.readouterr().out
    assert (folder / "2").is_dir()
    assert [path.name for path in Path().iterdir()] == [name]
    Path(name).rename("runs")
    assert main(["resume", "last"]) == 0
    assert "3 jobs: 3 done" in capsys.readouterr().out


def test_reused_results_are_found_after_the_sweep_that_has_them_was_renamed(empty_folder, gradmix_main):
    run("seed=1,2")
    first = sweep()
    run("seed=2,1")
    first.rename("runs/cluster/baseline")
    assert "2 jobs: 2 done" in gradmix_main("resume", "last").out
    assert "runs/cluster/baseline/1" in gradmix_main("show", "last/1").out
    assert "baseline/1" in gradmix_main("compare", "last", "--csv", "-").out
    assert "has reused the result" in gradmix_main("rm", "runs/cluster/baseline/1", "--yes", code=2).err


ODD = {
    "no arguments": {"arguments": None},
    "numbers as arguments": {"arguments": [1]},
    "a mapping as the working folder": {"working_folder": {}},
    "a text as the jobs": {"jobs": "seed=1"},
    "numbers as jobs": {"jobs": [1]},
}


@pytest.mark.parametrize("fields", ODD.values(), ids=ODD)
def test_an_odd_first_line_is_one_error(two_jobs, capsys, fields):
    rewrite(**fields)
    assert resume() == 2
    error = capsys.readouterr().err
    assert error.startswith("gradmix resume: ")
    assert len(error.splitlines()) == 1


def test_a_working_folder_that_does_not_hold_the_sweep_is_not_gone_to(two_jobs, capsys):
    Path("elsewhere").mkdir()
    rewrite(working_folder=str(Path("elsewhere").absolute()))
    assert resume("--plan") == 0
    assert f"the command works in {Path.cwd()}" in capsys.readouterr().err
