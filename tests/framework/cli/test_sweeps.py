"""Sweeps as a person has them: planned, run, resumed, searched."""

import json
import re
import sys
from pathlib import Path

import pytest

from conftest import all_runs, command, journals

run, resume = command("run"), command("resume")
pytestmark = pytest.mark.processes

PLAIN = ["pictures=false", "tracking=none"]
FAST = [*PLAIN, "hydra/launcher=basic"]
"""In this process, where the worker of our own launcher is not the point."""
FAILS = ["clusterer.reg_covar=0", "clusterer.tol=0"]
"""Options with which 120 components of Old Faithful end in a singular covariance."""


def runs():
    return [events for events in journals() if events[0]["kind"] == "run"]


def sweeps():
    return [events for events in journals() if events[0]["kind"] == "sweep"]


def test_a_plan_tells_what_would_run_and_starts_nothing(empty_folder, capsys):
    assert run(["-m", "clusterer.n_components=2,120", *FAILS, *FAST]) == 1
    capsys.readouterr()
    assert run(["-m", "clusterer.n_components=1,2,120,999", *FAILS, *FAST, "--plan"]) == 0
    out = capsys.readouterr().out
    states = [
        line.split("clusterer.n_components")[0].split()[1] for line in out.splitlines() if "n_components=" in line
    ]
    assert states[:4] == ["new", "done", "failed", "impossible"]
    assert "272 rows are fewer than n_components=999" in out
    assert "1 new, 1 failed before, 1 done, 1 impossible; 2 to run, about" in out
    assert len(sweeps()) == 1


def test_a_single_run_can_be_planned_too(empty_folder, capsys):
    assert run(["seed=4", "--plan", *FAST]) == 0
    assert "1 job: 1 new" in capsys.readouterr().out
    assert not list(empty_folder.iterdir())


@pytest.mark.parametrize("override", ["limits.threads=1,2", "limits.seconds=50,60", "name=a,b"])
@pytest.mark.parametrize("plan", [[], ["--plan"]])
def test_what_makes_no_other_result_is_not_swept_over(empty_folder, capsys, override, plan):
    assert run(["-m", override, *FAST, *plan]) == 2
    assert "it cannot be swept over" in capsys.readouterr().err
    assert not sweeps()


def test_a_sweep_is_not_resumed_with_several_values(empty_folder, capsys):
    assert run(["-m", "seed=1,2", *FAST]) == 0
    assert resume(["last", "limits.seconds=50,60"]) == 2
    assert "give one value" in capsys.readouterr().err


def test_resume_makes_a_sweep_whole_by_another_launcher(empty_folder, capsys):
    arguments = ["-m", "seed=range(4)", "on_error=stop", "limits.seconds=1e-6", *PLAIN]
    assert run(arguments) == 1
    out = capsys.readouterr().out
    assert "1/4  seed=0  timed out: stopped after limits.seconds=1e-06." in out
    assert "not reached" in out
    assert "gradmix resume " in out
    assert resume(["last", "limits.seconds=null", "hydra/launcher=basic"]) == 0
    assert "done                4" in capsys.readouterr().out
    (sweep,) = sweeps()
    assert [event["event"] for event in sweep].count("resumed") == 1
    finished = [events[0]["params"]["seed"] for events in runs() if events[-1]["event"] == "finished"]
    assert sorted(finished) == [0, 1, 2, 3]
    assert resume(["last"]) == 0
    assert "of these reused     4" in capsys.readouterr().out
    assert len(runs()) == 5
    assert sweeps() == [sweep]  # nothing was missing: it is left as it is


def test_resume_works_from_anywhere(empty_folder, monkeypatch, capsys):
    Path("rows.csv").write_text("a,b\n1,2\n3,5\n5,3\n7,8\n9,1\n")
    assert run(
        ["-m", "seed=1,2", "on_error=stop", "limits.seconds=1e-6", "dataset=file", "dataset.path=rows.csv", *FAST]
    )
    (folder,) = (path.parent for path in Path("runs").rglob("journal.jsonl") if path.parent.name.endswith("sweep"))
    folder = folder.absolute()
    (empty_folder / "elsewhere").mkdir()
    monkeypatch.chdir(empty_folder / "elsewhere")
    assert resume([str(folder), "limits.seconds=null"]) == 0
    assert not list((empty_folder / "elsewhere").iterdir())


def test_a_sweep_whose_journal_was_edited_is_not_touched(empty_folder, capsys):
    assert run(["-m", "seed=1,2", *FAST]) == 0
    (path,) = (path for path in Path("runs").rglob("journal.jsonl") if path.parent.name.endswith("sweep"))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "edited", *lines[1:]]) + "\n")
    before = path.read_bytes()
    assert resume([str(path.parent)]) == 2
    assert "line 2 of the journal" in capsys.readouterr().err
    path.write_text(json.dumps({**json.loads(lines[0]), "format": 99}) + "\n")
    assert resume([str(path.parent)]) == 2
    assert "newer gradmix (format 99)" in capsys.readouterr().err
    path.write_bytes(before)


def test_a_search_goes_on_where_it_was_and_repeats_nothing(empty_folder, capsys):
    search = ["hydra/sweeper=gradmix_optuna", "hydra.sweeper.n_trials=5", "hydra.sweeper.batch=2"]
    space = ["clusterer.n_components=range(1,6)", "clusterer.reg_covar=tag(log,interval(1e-9,1e-1))"]
    assert run(["-m", *search, *space, *FAST]) == 0
    (sweep,) = sweeps()
    found = [event["overrides"] for event in sweep if event["event"] == "job"]
    assert len(found) == 5
    for overrides in found:
        texts = dict(override.split("=") for override in overrides)
        assert int(texts["clusterer.n_components"]) in range(1, 6)
        assert 1e-9 <= float(texts["clusterer.reg_covar"]) <= 1e-1
    results = [events[-2]["metrics"] for events in runs() if events[-2]["event"] == "result"]
    assert sweep[-2]["metrics"]["best"] == min(each["bic"] for each in results if not each["n_collapsed"])
    capsys.readouterr()
    assert resume(["last", "hydra.sweeper.n_trials=7"]) == 0
    out = capsys.readouterr().out
    assert "of these reused     5" in out
    (sweep,) = sweeps()
    found = [event["overrides"] for event in sweep if event["event"] == "job"]
    assert len({tuple(each for each in overrides if "runs_dir" not in each) for overrides in found}) == 7
    assert len(runs()) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seed=3"], "there is nothing to search"),
        (["seed=range(9)", "hydra.sweeper.metric=bicc"], "Did you mean bic?"),
        (
            ["seed=range(9)", "hydra.sweeper.sampler=best"],
            "sampler must be one of tpe, gp, cmaes, qmc, random; given: 'best'",
        ),
        (["seed=range(9)", "hydra.sweeper.metric=n_iter"], "set the better direction of n_iter"),
        (["clusterer=kmeans", "clusterer.n_clusters=range(2,9)"], "set the metric to optimise"),
    ],
)
def test_a_search_that_cannot_be_is_told(empty_folder, capsys, arguments, message):
    assert run(["-m", "hydra/sweeper=gradmix_optuna", "hydra.sweeper.n_trials=1", *arguments, *FAST]) == 2
    assert message in capsys.readouterr().err


def test_a_search_without_optuna_says_what_installs_it(empty_folder, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "gradmix.sweeps.search", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert run(["-m", "hydra/sweeper=gradmix_optuna", "seed=range(9)", *FAST]) == 2
    assert "needs Optuna: pip install 'gradmix[optuna]'" in capsys.readouterr().err


def test_plugins_are_timed_in_turns(empty_folder):
    arguments = ["task=differentiate", "differentiator=dual,tape", "problem=cubic,heron", "timing.paired=true"]
    assert run(["-m", *arguments, *PLAIN]) == 0
    timings = {
        (events[0]["params"]["differentiator"], events[0]["params"]["problem"]): event["block"]
        for events in runs()
        for event in events
        if event["event"] == "timing"
    }
    assert timings["dual", "cubic"] == timings["tape", "cubic"] != timings["dual", "heron"] == timings["tape", "heron"]


def test_only_our_launcher_can_time_in_turns(empty_folder, capsys):
    assert run(["-m", "seed=1,2", "timing.paired=true", "hydra/launcher=joblib", *PLAIN]) == 2
    assert "which requires hydra/launcher=gradmix" in capsys.readouterr().err


def test_a_sweep_stays_where_it_is(empty_folder, capsys):
    assert run(["-m", "seed=1,2", "hydra.job.chdir=true", *FAST]) == 2
    assert "hydra.job.chdir=true is not supported" in capsys.readouterr().err
    assert not runs()


@pytest.mark.parametrize("launcher", [["basic"], ["joblib", "hydra.launcher.n_jobs=2"]], ids=["basic", "joblib"])
@pytest.mark.parametrize("runs_dir", ["runs", "it's, {my} [runs]=1"])
def test_launchers_of_others_leave_nothing_beside_the_sweeps_own_folder(empty_folder, launcher, runs_dir):
    choice, *options = launcher
    where = runs_dir.replace("'", "\\'")
    assert run(["-m", "seed=1,2", f"hydra/launcher={choice}", *options, f"runs_dir='{where}'", *PLAIN]) == 0
    assert [path.name[-6:] for path in Path(runs_dir, "cluster").iterdir()] == ["-sweep"]


SEARCH = ["-m", "hydra/sweeper=gradmix_optuna", *PLAIN]


def test_the_plan_of_a_search_counts_the_jobs_that_it_has_yet_to_choose(empty_folder, capsys):
    search = [*SEARCH, "clusterer.n_components=range(1,7)"]
    assert run([*search, "hydra.sweeper.n_trials=5", "--plan"]) == 0
    out = capsys.readouterr().out
    assert "a search of 5 jobs: 1 new, 4 to be chosen during the search; up to 5 to run, no earlier run" in out
    assert run([*search, "hydra.sweeper.n_trials=1"]) == 0
    capsys.readouterr()
    assert run([*search, "hydra.sweeper.n_trials=5", "--plan"]) == 0
    out = capsys.readouterr().out
    assert "a search of 5 jobs: 1 done, 4 to be chosen during the search; up to 4 to run, about" in out
    assert resume(["last", "hydra.sweeper.n_trials=3", "--plan"]) == 0
    assert "a search of 3 jobs: 1 done, 2 to be chosen during the search" in capsys.readouterr().out
    assert len(runs()) == 1


def test_a_search_makes_no_more_jobs_than_asked_for_and_is_whole_when_it_has_more(empty_folder, capsys):
    assert run([*SEARCH, "hydra.sweeper.n_trials=2", "hydra.sweeper.batch=5", "seed=range(0,99)"]) == 0
    assert len(runs()) == 2
    assert resume(["last", "hydra.sweeper.n_trials=1"]) == 0
    assert len(runs()) == 2


@pytest.mark.parametrize("plan", [[], ["--plan"]])
def test_a_direction_that_is_none_is_refused_before_anything_starts(empty_folder, capsys, plan):
    assert run([*SEARCH, "hydra.sweeper.better=low", "seed=range(0,99)", *plan]) == 2
    assert "hydra.sweeper.better must be one of lower, higher or null; given: 'low'" in capsys.readouterr().err
    assert not journals()


def test_a_search_for_a_metric_that_is_none_goes_on_with_another_one(empty_folder, capsys):
    search = [*SEARCH, "hydra.sweeper.n_trials=3", "hydra.sweeper.metric=bicc", "clusterer.n_components=range(1,7)"]
    assert run(search) == 2
    assert len(runs()) == 1
    assert "`gradmix resume` accepts another one: hydra.sweeper.metric=…" in capsys.readouterr().err
    assert resume(["last", "hydra.sweeper.metric=bic", "hydra.sweeper.better=lower"]) == 0
    assert "done                3" in capsys.readouterr().out


@pytest.mark.parametrize(("metric", "is_doubted"), [("bicc", True), ("bic", False), ("somebodys_own", False)])
def test_a_plan_doubts_a_metric_that_is_nearly_a_known_one(empty_folder, capsys, metric, is_doubted):
    assert run([*SEARCH, f"hydra.sweeper.metric={metric}", "seed=range(0,99)", "--plan"]) == 0
    assert ("Did you mean bic?" in capsys.readouterr().err) == is_doubted


def test_a_search_can_be_resumed_though_some_of_its_jobs_are_impossible(empty_folder, capsys):
    choices = "clusterer.n_components=choice(1,2,998,999)"
    assert run([*SEARCH, "hydra.sweeper.n_trials=8", "hydra.sweeper.sampler=random", choices]) == 1
    assert "272 rows are fewer" in capsys.readouterr().out
    assert resume(["last", "hydra.sweeper.n_trials=10"]) == 1
    assert "not reached" not in capsys.readouterr().out


def test_a_search_that_was_killed_in_a_batch_gives_no_job_the_result_of_another(empty_folder, capsys):
    assert run([*SEARCH, "hydra.sweeper.n_trials=3", "seed=range(0,999)"]) == 0
    (path,) = [path for path in Path("runs").rglob("journal.jsonl") if path.parent.name.endswith("-sweep")]
    lines = path.read_text().splitlines(keepends=True)
    told = [number for number, line in enumerate(lines) if '"event": "job"' in line]
    path.write_text("".join(lines[: told[-1]]))  # its last job ran on, and ended when nobody was there to tell of it
    assert resume(["last", "hydra.sweeper.n_trials=4"]) == 0
    seeds = {str(events[0]["run_key"]): events[0]["params"]["seed"] for events in runs()}
    (sweep,) = sweeps()
    ends = {event["number"]: event for event in sweep if event["event"] == "job"}
    assert sorted(ends) == [0, 1, 2, 3]
    for end in ends.values():
        assert f"seed={seeds[end['run_key']]}" in end["overrides"]


def test_the_command_line_wins_over_what_a_config_searches(empty_folder):
    searched = ["+hydra.sweeper.params={seed:'range(0,99)',clusterer.n_components:'range(1,4)'}"]
    assert run([*SEARCH, "hydra.sweeper.n_trials=2", *searched, "seed=7"]) == 0
    assert {events[0]["params"]["seed"] for events in runs()} == {7}


@pytest.mark.parametrize(
    "override", ["seed=range(9,1)", "clusterer.tol=tag(log,interval(-3.0,3.0))", "clusterer.tol=interval(2.0,1.0)"]
)
def test_what_cannot_be_searched_is_told(empty_folder, capsys, override):
    assert run([*SEARCH, override]) == 2
    assert "cannot be searched" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["n_trials=0", "batch=0"])
def test_a_search_of_nothing_is_told(empty_folder, capsys, option):
    assert run([*SEARCH, f"hydra.sweeper.{option}", "seed=range(0,9)"]) == 2
    assert "must be an integer > 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "objection"),
    [
        (["hydra.launcher.workers=0"], "hydra.launcher.workers must be an integer > 0; given: 0."),
        (["hydra.launcher.workers=x"], "hydra.launcher.workers must be an integer > 0; given: 'x'."),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=x"], "hydra.launcher.n_jobs: Value 'x' of type 'str' could"),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs must be an integer > 0, or"),
    ],
)
@pytest.mark.parametrize("plan", [[], ["--plan"]])
def test_a_number_of_workers_that_is_none_is_refused_by_run_and_plan_alike(
    empty_folder, capsys, options, objection, plan
):
    assert run(["-m", "seed=1,2", *options, *plan]) == 2
    assert f"gradmix run: {objection}" in capsys.readouterr().err
    assert not journals()


@pytest.mark.parametrize(
    "given",
    [["hydra.launcher._target_=os.system"], ["+hydra.launcher.nonsense=1"], ["hydra.sweeper._target_=os.system"]],
)
def test_a_launcher_or_sweeper_that_cannot_be_made_is_one_error(empty_folder, capsys, given):
    assert run(["-m", "seed=1,2", *given, *PLAIN]) == 2
    error = capsys.readouterr().err
    assert "cannot be started" in error
    assert len(error.splitlines()) == 1
    assert not journals()


def test_a_result_that_was_not_tracked_shows_under_the_tracked_sweep_that_reuses_it(folder_with_store, client):
    assert run(["-m", "seed=1,2", "pictures=false", "tracking=none"]) == 0
    assert run(["-m", "seed=1,2", "pictures=false"]) == 0
    runs = all_runs(client)
    (sweep,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    under = [run.data.tags.get("mlflow.parentRunId") for run in runs if run is not sweep]
    assert under == [sweep.info.run_id] * 2


def test_an_option_given_once_belongs_to_each_component_that_is_swept_over(empty_folder, capsys):
    assert run(["-m", "clusterer=kmeans,sklearn_kmeans", "clusterer.n_clusters=3", *FAST]) == 0
    assert [events[0]["params"]["clusterer.n_clusters"] for events in runs()] == [3, 3]
    assert run(["-m", "clusterer=kmeans,gmm", "clusterer.n_clusters=3", "strict=true", *FAST]) == 2
    assert "clusterer.n_clusters is left out for gmm" in capsys.readouterr().err


@pytest.mark.parametrize("swept", [["seed=range(100000000)"], ["seed=range(1000)", "clusterer.max_iter=range(1,1001)"]])
def test_more_jobs_than_anybody_can_mean_are_refused_at_once(empty_folder, capsys, swept):
    assert run(["-m", *swept, *FAST]) == 2
    assert "a sweep has at most 100,000 jobs" in capsys.readouterr().err


@pytest.mark.parametrize(("limit", "status"), [("limits.seconds=1e-6", "timed_out")])
def test_a_run_of_its_own_says_what_ended_it(empty_folder, capsys, limit, status):
    assert run([limit, *FAST]) == 1
    assert re.search(rf"status +{status}", capsys.readouterr().out)


def test_of_an_unknown_option_the_part_that_is_unknown_is_named(empty_folder, capsys):
    assert run(["hydra.lancher.workers=2", *FAST]) == 2
    assert "unknown option hydra.lancher. Did you mean hydra.launcher?" in capsys.readouterr().err


def test_a_component_is_documented_once(gradmix_command):
    out, _ = gradmix_command("plugins", "kmeans")
    assert out.count("clusterer kmeans  (gradmix") == 1


GRID = ["-m", "clusterer=gmm,kmeans", "clusterer.k=2,3", "clusterer.covariance_type=full,tied"]


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_grid_over_components_runs_each_with_the_options_that_it_has(empty_folder, capsys, launcher):
    assert run([*GRID, *PLAIN, f"hydra/launcher={launcher}"]) == 0
    out = capsys.readouterr().out
    assert out.count("clusterer.covariance_type is left out for kmeans, which has no such option") == 1
    assert "6 jobs, all checked" in out
    seen = [events[0]["params"] for events in runs()]
    assert sorted(each["clusterer.n_components"] for each in seen if each["clusterer"] == "gmm") == [2, 2, 3, 3]
    assert sorted(each["clusterer.n_clusters"] for each in seen if each["clusterer"] == "kmeans") == [2, 3]
    assert resume(["last"]) == 0
    assert "6 jobs: 6 done" in capsys.readouterr().out


def jobs_planned(capsys, *arguments):
    """The overrides of the jobs that a plan shows, and what it says about options that are left out."""
    assert run([*arguments, *FAST, "--plan"]) == 0
    out = capsys.readouterr().out
    rows = [line.split()[2:] for line in out.splitlines() if re.match(r" *\d+ +new ", line)]
    return rows, [line for line in out.splitlines() if "is left out" in line]


OWN = "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: {clusterer: 'gmm,kmeans', seed: '1,2'}}}\n"


@pytest.mark.parametrize(
    ("typed", "n_jobs", "left_out_for"),
    [
        ("clusterer.n_clusters=2", 4, ["gmm"]),
        ("clusterer.covariance_type=tied", 4, ["kmeans"]),
        ("clusterer.k=2,3", 8, []),
    ],
)
def test_a_grid_of_an_experiment_is_that_of_the_command_line(empty_folder, capsys, typed, n_jobs, left_out_for):
    (empty_folder / "configs" / "experiment").mkdir(parents=True)
    (empty_folder / "configs" / "experiment" / "mine.yaml").write_text(OWN)
    jobs, left_out = jobs_planned(capsys, "experiment=mine", typed)
    assert (jobs, left_out) == jobs_planned(capsys, "-m", "clusterer=gmm,kmeans", "seed=1,2", typed)
    assert (jobs, left_out) == jobs_planned(capsys, "-m", "experiment=mine", typed)
    assert len(jobs) == n_jobs
    assert len(left_out) == len(left_out_for)
    for line, name in zip(left_out, left_out_for, strict=True):
        assert f"is left out for {name}," in line
    if left_out:
        assert run(["experiment=mine", typed, *FAST, "strict=true", "--plan"]) == 2


def test_of_an_experiments_grid_the_typed_choice_wins_and_a_mistake_is_told_once(empty_folder, capsys):
    (empty_folder / "configs" / "experiment").mkdir(parents=True)
    (empty_folder / "configs" / "experiment" / "mine.yaml").write_text(OWN)
    jobs, left_out = jobs_planned(capsys, "experiment=mine", "clusterer=kmeans", "clusterer.init=random")
    assert (len(jobs), left_out) == (2, [])
    for typed in ("clusterer.n_cluster=2", "dataset.standardize=true", "sed=1"):
        assert run(["experiment=mine", typed, *FAST]) == 2
        assert capsys.readouterr().err.count("unknown option") == 1


def test_an_experiments_grid_may_depend_on_the_task_that_is_typed(empty_folder, capsys):
    (empty_folder / "configs" / "experiment").mkdir(parents=True)
    text = OWN.replace("clusterer: 'gmm,kmeans', seed: '1,2'", "differentiator: 'dual,source'")
    text = text.replace("hydra:", "defaults: [{override /problem: rosenbrock}]\nhydra:")
    (empty_folder / "configs" / "experiment" / "mine.yaml").write_text(text)
    jobs, left_out = jobs_planned(capsys, "experiment=mine", "task=differentiate", "differentiator.mode=forward")
    assert len(jobs) == 2
    assert "differentiator.mode is left out for dual" in left_out[0]


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_what_an_experiment_sets_for_some_of_its_components_is_left_out_for_the_others(empty_folder, capsys, launcher):
    (empty_folder / "configs" / "experiment").mkdir(parents=True)
    body = "clusterer: {covariance_type: tied, init: random, n_init: 2}\n"
    (empty_folder / "configs" / "experiment" / "mine.yaml").write_text(OWN + body)
    assert run(["experiment=mine", "seed=1", *PLAIN, f"hydra/launcher={launcher}"]) == 0
    assert capsys.readouterr().out.count("is left out for") == 2
    seen = {events[0]["params"]["clusterer"]: events[0]["params"] for events in runs()}
    assert seen["gmm"]["clusterer.covariance_type"] == "tied"
    assert seen["kmeans"]["clusterer.init"] == "random"
    assert seen["gmm"]["clusterer.n_init"] == seen["kmeans"]["clusterer.n_init"] == 2
    assert resume(["last"]) == 0
    assert "2 jobs: 2 done" in capsys.readouterr().out
    assert run(["experiment=mine", *FAST, "strict=true", "--plan"]) == 2


def test_a_grid_is_refused_by_strict_and_planned_without_being_run(empty_folder, capsys):
    assert run([*GRID, *FAST, "strict=true"]) == 2
    assert "clusterer.covariance_type is left out for kmeans" in capsys.readouterr().err
    assert run([*GRID, *FAST, "--plan"]) == 0
    assert "6 jobs: 6 new" in capsys.readouterr().out
    assert not sweeps()


def test_a_choice_of_a_grid_that_a_component_lacks_is_left_out_or_refused_by_strict(empty_folder, capsys):
    grid = ["clusterer=gmm,gmm_gradient", "clusterer.covariance_type=full,EEI"]
    jobs, left_out = jobs_planned(capsys, "-m", *grid)
    assert len(jobs) == 3
    assert ["clusterer.covariance_type=EEI is left out for gmm_gradient" in line for line in left_out] == [True]
    assert run(["-m", *grid, *FAST, "strict=true"]) == 2
    search = ["hydra/sweeper=gradmix_optuna", "hydra.sweeper.n_trials=1"]
    assert jobs_planned(capsys, "-m", *grid, *search)[1] == []  # a search may try it: then it fails


def test_a_grid_over_tasks_needs_a_name_and_says_so(empty_folder, capsys):
    grid = ["-m", "task=cluster,differentiate", "clusterer=gmm,kmeans", "differentiator=dual"]
    assert run([*grid, *FAST, "--plan"]) == 2
    assert "add name=NAME" in capsys.readouterr().err
    assert len(jobs_planned(capsys, *grid, "name=both")[0]) == 3


def test_a_mistake_of_a_grid_is_told_once(empty_folder, capsys):
    assert run(["-m", "clusterer=gmm,kmeans", "clusterer.n_component=2,3,4", "seed=range(5)", *FAST]) == 2
    assert capsys.readouterr().err.count("n_component.") == 1
    assert run(["-m", "clusterer=gmm,kmeans", "clusterer.tol=-1", "seed=range(5)", *FAST]) == 2
    assert capsys.readouterr().err.count("clusterer.tol must be a number") == 1
    assert not sweeps()


def test_a_search_leaves_out_what_a_component_lacks_and_can_be_resumed(empty_folder, capsys):
    search = ["hydra/sweeper=gradmix_optuna", "hydra.sweeper.n_trials=6", "hydra.sweeper.metric=n_iter"]
    assert run([*GRID, *FAST, *search, "hydra.sweeper.better=lower"]) == 0
    jobs = [job["overrides"] for events in sweeps() for job in events if job["event"] == "job"]
    jobs = [[each for each in job if each.startswith("clusterer")] for job in jobs]
    assert all(len(job) == 3 if "clusterer=gmm" in job else len(job) == 2 for job in jobs)
    assert any("clusterer=kmeans" in job for job in jobs)
    assert resume(["last", "hydra.sweeper.n_trials=8"]) == 0
    assert "so far 6 jobs" in capsys.readouterr().out


def test_a_config_of_ones_own_is_a_component_of_a_grid(empty_folder, capsys):
    (empty_folder / "conf" / "clusterer").mkdir(parents=True)
    (empty_folder / "conf" / "clusterer" / "hard.yaml").write_text("defaults: [kmeans]\nk: 4\n")
    grid = ["-m", "--config-dir=conf", "clusterer=gmm,hard", "clusterer.covariance_type=tied"]
    assert run([*grid, *FAST]) == 0
    assert "is left out for hard" in capsys.readouterr().out
    assert {"gmm", "kmeans"} == {events[0]["params"]["clusterer"] for events in runs()}
