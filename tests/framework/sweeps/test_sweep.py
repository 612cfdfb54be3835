import itertools
import json
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

import gradmix
from conftest import journals
from gradmix import ConfigError, StorageError
from gradmix.journal.folder import find_journals, fresh_folder, new_folder
from gradmix.journal.reading import read_run, read_runs
from gradmix.journal.writing import Journal
from gradmix.registry.plugin import UNKNOWN, Plugin
from gradmix.runs.events import watched_by
from gradmix.sweeps.attempts import attempts, is_taken, relevant_attempt
from gradmix.sweeps.job import JobReport, label_of
from gradmix.sweeps.ledger import jobs_of
from gradmix.sweeps.plan import Intent, Planner, blocks
from gradmix.sweeps.reading import read_sweep
from gradmix.sweeps.sweep import Sweep, check, common_settings

BASE = {
    "name": "trial",
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm", "random_state": 0},
    "dataset": {"name": "old_faithful"},
    "pictures": False,
    "tracking": {"uri": None},
}


def compose(overrides):
    from omegaconf import OmegaConf

    return OmegaConf.to_container(OmegaConf.merge(OmegaConf.create(BASE), OmegaConf.from_dotlist(list(overrides))))


def combinations(**choices):
    keys = [key.replace("__", ".") for key in choices]
    return dict(
        enumerate(
            itertools.product(*([f"{key}={v}" for v in vs] for key, vs in zip(keys, choices.values(), strict=True)))
        )
    )


BROKEN = ("clusterer.reg_covar=0", "clusterer.covariance_type=full", "clusterer.n_components=120", "clusterer.tol=0")


class Told:
    """Writes down how jobs ended."""

    def __init__(self):
        self.ends, self.problems = [], []

    @gradmix.hookimpl
    def job_ended(self, sweep, end):
        self.ends.append((end.number, end.status, end.is_reused))

    @gradmix.hookimpl
    def problem(self, message):
        self.problems.append(message)


def here(job, jobs):
    """A launcher that runs jobs in this process."""
    return [job.run([each])[0] for each in jobs]


def swept(jobs, launch=here, intent=None, stale=False):
    """Plan and run a sweep; the sweep, and what was told."""
    told = Told()
    intent = intent or Intent()
    with watched_by(told):
        planned = Planner(compose, (), intent.resumed, stale).plan(jobs)
        check(planned)
        with Sweep(
            common_settings(planned), ["clusterer.n_components", "seed"], launch, planned, len(planned), intent
        ) as sweep:
            sweep.run(planned)
    return sweep, told


JOBS = combinations(clusterer__n_components=[1, 2, 3])


def test_all_are_checked_before_the_first_one_starts(empty_folder):
    planned = Planner(compose).plan(combinations(clusterer__n_components=[2, "two", 0, 300]))
    assert [job.state for job in planned] == ["new", "impossible", "impossible", "impossible"]
    with pytest.raises(ConfigError) as caught:
        check(planned)
    assert not list(empty_folder.iterdir())
    assert "3 of the 4 combinations" in str(caught.value)
    assert "'two'" in str(caught.value)
    assert "given: 0" in str(caught.value)
    assert "272 rows are fewer" in str(caught.value)


def test_a_sweep_journals_how_each_job_ended(empty_folder):
    sweep, told = swept(JOBS)
    assert sorted(told.ends) == [(number, "finished", False) for number in range(3)]
    events = read_run(sweep.info.folder).events
    assert [event["event"] for event in events] == ["started", "job", "job", "job", "result", "finished"]
    assert events[0]["jobs"] == [list(overrides) for overrides in JOBS.values()]
    assert events[-2]["metrics"] == {"done": 3, "failed": 0, "best": pytest.approx(2322.1918, abs=1e-3)}
    assert events[-2]["best"] == "bic 2322.19: clusterer.n_components=2"
    for event in events[1:4]:
        assert read_run(sweep.info.folder / event["folder"]).started["run_key"] == event["run_key"]


def test_a_second_sweep_takes_what_is_there(empty_folder):
    first, _ = swept(JOBS)
    launched = []
    second, told = swept(
        combinations(clusterer__n_components=[2, 3, 4]),
        lambda job, jobs: launched.extend(each.number for each in jobs) or here(job, jobs),
    )
    assert launched == [2]
    assert (0, "finished", True) in told.ends
    events = [event for event in read_run(second.info.folder).events if event["event"] == "job"]
    reused = {event["number"]: event["folder"] for event in events if event["reused"]}
    assert reused == {0: f"../{first.info.folder.name}/1", 1: f"../{first.info.folder.name}/2"}  # they move together


def test_reuse_can_be_turned_off(empty_folder):
    swept(JOBS)
    planned = Planner(lambda overrides: {**compose(overrides), "reuse": False}).plan(JOBS)
    assert [job.state for job in planned] == ["new"] * 3


def test_timings_that_are_asked_for_must_be_of_here_and_now(empty_folder):
    swept(JOBS)
    asked = Planner(lambda overrides: {**compose(overrides), "timing": {"repeats": 3}}).plan(JOBS)
    assert [job.state for job in asked] == ["new"] * 3


def test_timings_of_elsewhere_are_not_reused_with_the_result(empty_folder, monkeypatch):
    swept(JOBS)
    monkeypatch.setattr("gradmix.sweeps.plan.timings_key", lambda settings, workers: "of another machine")
    sweep, _ = swept(JOBS)
    events = [event for event in read_run(sweep.info.folder).events if event["event"] == "job"]
    assert [(event["reused"], event["timings"]) for event in events] == [(True, False)] * 3


TIMED = ("timing.repeats=2", "clusterer.n_components=1")


@pytest.mark.parametrize(("threads", "workers", "state"), [(None, 1, "done"), (1, 1, "new"), (None, 64, "new")])
def test_timings_hold_for_as_many_threads_and_jobs_at_a_time(empty_folder, threads, workers, state):
    swept({0: (*TIMED, "limits.threads=null")})
    asked = {0: (*TIMED, f"limits.threads={threads or 'null'}")}
    (job,) = Planner(compose, workers=workers).plan(asked)
    assert (job.state, job.has_timings) == (state, True)


def test_a_job_that_is_the_same_as_one_that_failed_fails_with_its_reason(empty_folder):
    sweep, told = swept({0: BROKEN, 1: BROKEN})
    assert told.ends == [(0, "failed", False), (1, "failed", True)]
    (twin,) = [event for event in read_run(sweep.info.folder).events if event.get("number") == 1]
    assert twin["error"].startswith("the same as job 1, which failed: ")


def test_failures_are_never_reused(empty_folder):
    bad = {0: BROKEN}
    _, told = swept(bad)
    assert told.ends == [(0, "failed", False)]
    (job,) = Planner(compose).plan(bad)
    assert job.state == "failed"
    assert job.is_to_run
    assert "covariance" in job.reason


def test_the_same_job_twice_is_run_once(empty_folder):
    sweep, told = swept({0: ("seed=1", "seed=1"), 1: ("seed=1",)})
    assert told.ends == [(0, "finished", False), (1, "finished", True)]
    assert len(list(sweep.info.folder.glob("*/journal.jsonl"))) == 1


def failing_once(path):
    """A launcher under which the job 1 fails the first time, for want of a file's folder."""

    def launch(job, jobs):
        reports = []
        for each in jobs:
            if each.number == 1 and not path.exists():
                path.touch()
                reports.append(JobReport(1, "the first time goes wrong"))
            else:
                reports += here(job, [each])
        return reports

    return launch


def test_a_failed_job_is_tried_again_as_often_as_asked(empty_folder):
    retrying = lambda overrides: {**compose(overrides), "on_error": "retry:2"}  # noqa: E731
    told = Told()
    with watched_by(told):
        planned = Planner(retrying).plan(JOBS)
        with Sweep(common_settings(planned), [], failing_once(empty_folder / "mark"), planned, len(planned)) as sweep:
            sweep.run(planned)
    assert [status for number, status, _ in told.ends if number == 1] == ["failed", "finished"]
    assert sweep.ledger.counts == {"done": 3, "failed": 0}


def failing(times, tried):
    """A launcher under which the job 1 fails so often; `tried` takes the numbers of the jobs that are launched."""

    def launch(job, jobs):
        reports = []
        for each in jobs:
            tried.append(each.number)
            failed = each.number == 1 and tried.count(1) <= times
            reports += [JobReport(1, "it goes wrong")] if failed else here(job, [each])
        return reports

    return launch


@pytest.mark.parametrize(("times", "ended"), [(1, "finished"), (2, "finished"), (3, "failed"), (9, "failed")])
def test_retry_2_means_two_more_attempts_and_no_more(empty_folder, times, ended):
    tried = []
    planned = Planner(lambda overrides: {**compose(overrides), "on_error": "retry:2"}).plan(JOBS)
    with Sweep(common_settings(planned), [], failing(times, tried), planned, len(planned)) as sweep:
        ends = sweep.run(planned)
    assert [end.status for end in ends] == ["finished", ended, "finished"]
    assert tried.count(1) == min(times + 1, 3)
    assert tried.count(0) == tried.count(2) == 1


def test_on_error_stop_starts_no_more(empty_folder):
    def compose_stopping(overrides):
        return {**compose(overrides), "on_error": "stop", "limits": {"seconds": 1e-6}}

    planned = Planner(compose_stopping).plan(JOBS)
    with Sweep(common_settings(planned), [], here, planned, len(planned)) as sweep:
        sweep.run(planned)
    assert [end.status for end in sweep.ledger.ends.values()] == ["timed_out"]


def cut_off(folder):
    """Leave a journal as a process does that is killed: begun, not ended, its lock gone."""
    journal = Journal(folder)
    journal.write("started", format=1, kind="run", run_key="cut off")
    journal.close()


class BrokenPoolError(Exception):
    """What a launcher raises when a worker dies."""


def breaking_after(count):
    """A launcher that breaks after so many jobs, every time that it has more."""

    def launch(job, jobs):
        done = here(job, jobs[:count])
        if len(jobs) > count:
            raise BrokenPoolError
        return done

    return launch


def test_what_a_broken_launcher_has_not_got_to_is_launched_again(empty_folder):
    sweep, told = swept(JOBS, breaking_after(1))
    assert sweep.ledger.counts == {"done": 3, "failed": 0}
    assert sorted(told.ends) == [(number, "finished", False) for number in range(3)]


def test_a_launcher_that_starts_nothing_is_told(empty_folder):
    sweep, told = swept(JOBS, breaking_after(0))
    assert sweep.ledger.counts == {"done": 0, "failed": 0}
    assert "started no job" in told.problems[0]


def test_one_that_is_cut_off_with_others_is_tried_alone(empty_folder):
    """The workers of a pool die with the one that was killed: whose fault it was shows when each is alone."""
    launches = []

    def launch(job, jobs):
        launches.append([each.number for each in jobs])
        if len(jobs) > 1:
            for each in jobs[:2]:  # two are cut off: a journal that has no end, and no process
                cut_off(new_folder(job.folder, str(each.number)))
            raise BrokenPoolError
        return here(job, jobs)

    jobs = combinations(clusterer__n_components=[1, 2, 3])
    sweep, _ = swept(jobs, launch)
    assert launches == [[0, 1, 2], [2], [0], [1]]
    assert sweep.ledger.counts == {"done": 3, "failed": 0}


def test_one_that_outlives_a_launcher_that_broke_is_told_of_when_it_ends(empty_folder):
    """Ray gives up as soon as one worker dies; the others go on, in processes of their own."""
    threads = []

    def launch(job, jobs):
        ended = threading.Event()

        def work():
            with closing(Journal(folder)) as journal:
                journal.write("started", format=1, kind="run", run_key="slow")
                ended.wait()
                journal.write("result", metrics={"bic": 1.0})
                journal.write("finished")

        folder = new_folder(job.folder, str(jobs[0].number))
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        while relevant_attempt(job.folder, jobs[0].number) is None:
            pass
        threading.Timer(0.3, ended.set).start()
        raise BrokenPoolError

    sweep, told = swept(combinations(clusterer__n_components=[2]), launch)
    threads[0].join()
    assert told.ends == [(0, "finished", False)]
    assert sweep.ledger.counts == {"done": 1, "failed": 0}


def damaged(folder, change):
    """Edit a journal: its lines, and what becomes of them."""
    path = folder / "journal.jsonl"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


DAMAGES = {
    "a line that was cut": (lambda lines: [lines[0], lines[1][:30] + "\n", *lines[2:]], "line 2 of the journal"),
    "a number that is none": (
        lambda lines: [line.replace('"converged": 1', '"converged": "yes"') for line in lines],
        "converged='yes', which is no number",
    ),
    "no parameters": (
        lambda lines: [lines[0].replace('"params": {', '"params": [], "x": {'), *lines[1:]],
        "no parameters",
    ),
    "nothing": (lambda lines: [], ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", DAMAGES)
def test_what_cannot_be_read_any_more_is_made_anew_and_harms_no_other(empty_folder, case):
    change, told_as = DAMAGES[case]
    first, _ = swept(JOBS)
    damaged(first.info.folder / "1", change)
    intent = Intent(resumed=first.info.folder)
    planned = Planner(compose, (), first.info.folder).plan(JOBS)
    assert [job.is_to_run for job in planned] == [False, True, False]
    assert told_as in planned[1].reason or case != "a line that was cut"
    assert read_sweep(first.info.folder).n_unreadable == 1
    _, told = swept(JOBS, intent=intent)
    assert sorted(told.ends) == [(0, "finished", True), (1, "finished", False), (2, "finished", True)]
    assert [folder.name for folder in attempts(first.info.folder, 1)] == ["1", "1-2"]
    reading = read_sweep(first.info.folder)
    assert (len(reading.runs), reading.n_unreadable) == (3, 0)


def test_what_is_done_is_kept_where_it_cannot_be_made_anew(empty_folder):
    for name in ("a", "b"):
        (empty_folder / f"{name}.csv").write_text("x,y\n1,2\n2,4\n3,7\n4,7.5\n5,10\n")
    jobs = combinations(dataset__path=["a.csv", "b.csv"])

    def of_files(overrides):
        config = compose(overrides)
        return {**config, "dataset": {**config["dataset"], "name": "file"}}

    def swept_files(launch=here, resumed=None):
        planned = Planner(of_files, (), resumed).plan(jobs)
        check(planned)
        wanted = Intent(resumed=resumed)
        with Sweep(common_settings(planned), ["dataset.path"], launch, planned, len(planned), wanted) as sweep:
            sweep.run(planned)
        return sweep

    first = swept_files(lambda job, jobs: here(job, jobs[:1]))
    (empty_folder / "a.csv").unlink()
    assert swept_files(resumed=first.info.folder).ledger.counts == {"done": 2, "failed": 0}
    (empty_folder / "b.csv").unlink()
    with pytest.raises(ConfigError, match=r"finished jobs are kept\. Job 1: it cannot be computed again: cannot read"):
        swept_files(resumed=first.info.folder)


def test_resume_runs_what_is_missing_in_folders_of_its_own(empty_folder):
    first, _ = swept(JOBS, lambda job, jobs: here(job, jobs[:1]))
    cut_off(new_folder(first.info.folder, "1"))
    before = {path: path.read_bytes() for path in first.info.folder.glob("*/journal.jsonl")}
    record = read_run(first.info.folder)
    second, told = swept(jobs_of(record), intent=Intent(resumed=first.info.folder))
    assert sorted(told.ends) == [(0, "finished", True), (1, "finished", False), (2, "finished", False)]
    assert [folder.name for folder in attempts(first.info.folder, 1)] == ["1", "1-2"]
    assert all(path.read_bytes() == content for path, content in before.items())
    assert second.info.run_id == first.info.run_id
    assert read_run(first.info.folder).status == "finished"


def test_what_would_be_computed_otherwise_today_is_told_and_kept(empty_folder):
    first, _ = swept(JOBS)
    drifted = lambda overrides: {**compose(overrides), "seed": 5}  # noqa: E731
    planned = Planner(drifted, (), first.info.folder).plan(JOBS)
    assert {job.state for job in planned} == {"stale"}
    assert planned[0].reason == "seed was 0, is 5"
    assert {job.state for job in Planner(drifted, (), first.info.folder, stale=True).plan(JOBS)} == {"new"}


def test_what_finished_is_made_anew_when_that_is_wanted_and_the_newest_counts(empty_folder):
    first, _ = swept(JOBS)
    anew = {number: (*overrides, "seed=5") for number, overrides in JOBS.items()}
    _, told = swept(anew, intent=Intent(resumed=first.info.folder), stale=True)
    assert sorted(told.ends) == [(number, "finished", False) for number in range(3)]
    assert {relevant_attempt(first.info.folder, number).folder.name for number in range(3)} == {"0-2", "1-2", "2-2"}
    planned = Planner(compose, (), first.info.folder).plan(anew)
    assert {job.state for job in planned} == {"done"}
    assert [run.folder.name for run in read_sweep(first.info.folder).runs] == ["0-2", "1-2", "2-2"]


def test_timings_asked_for_when_a_sweep_is_resumed_are_taken(empty_folder):
    first, _ = swept(JOBS)
    timed = {number: (*overrides, "timing.repeats=2") for number, overrides in JOBS.items()}
    _, told = swept(timed, intent=Intent(resumed=first.info.folder))
    assert sorted(told.ends) == [(number, "finished", False) for number in range(3)]
    _, told = swept(timed, intent=Intent(resumed=first.info.folder))
    assert sorted(told.ends) == [(number, "finished", True) for number in range(3)]


def test_jobs_that_failed_before_are_launched_again_when_a_launcher_breaks(empty_folder):
    broken = {number: (*overrides, "limits.seconds=1e-6") for number, overrides in JOBS.items()}
    first, told = swept(broken)
    assert {status for _, status, _ in told.ends} == {"timed_out"}
    calls = []

    def breaks_at_first(job, jobs):
        calls.append(len(jobs))
        reports = here(job, jobs if len(calls) > 1 else jobs[:1])
        if len(calls) == 1:
            raise RuntimeError("a worker has gone")
        return reports

    _, told = swept(JOBS, breaks_at_first, Intent(resumed=first.info.folder))
    assert sorted(told.ends) == [(number, "finished", False) for number in range(3)]
    assert calls == [3, 2]


@pytest.mark.parametrize("plus", ["", "+", "++"])
def test_a_job_is_called_by_what_varies_however_it_was_typed(plus):
    assert label_of((f"{plus}seed=1", "clusterer.n_components=2"), (f"{plus}seed",)) == f"{plus}seed=1"


def test_a_sweep_that_is_still_running_is_not_resumed(empty_folder):
    first, _ = swept(JOBS)
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom gradmix.journal.writing import Journal\n"
        "journal = Journal.reopen(Path(sys.argv[1]))\nprint('held', flush=True)\ninput()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(first.info.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StorageError, match="written by another process"):
        swept(JOBS, intent=Intent(resumed=first.info.folder))
    holder.communicate("\n")


def test_a_worker_leaves_alone_what_another_has_taken(empty_folder):
    first, _ = swept(JOBS)
    assert is_taken(first.info.folder, 0)
    assert not is_taken(first.info.folder, 7)
    assert relevant_attempt(first.info.folder, 7) is None


@pytest.mark.parametrize(("error", "event"), [(KeyboardInterrupt(), "interrupted"), (SystemExit(), "failed")])
def test_an_end_from_outside_leaves_a_whole_journal(empty_folder, error, event):
    def launch(job, jobs):
        raise error

    with pytest.raises(type(error)):
        swept(JOBS, launch)
    (path,) = empty_folder.rglob("journal.jsonl")
    assert json.loads(path.read_text().splitlines()[-1])["event"] == event


def test_jobs_that_give_algorithms_the_same_work_are_timed_together(empty_folder):
    paired = lambda overrides: {**compose(overrides), "timing": {"paired": True}}  # noqa: E731
    jobs = combinations(clusterer__covariance_type=["full", "tied"], seed=[1, 2])
    found = [[job.number for job in block] for block in blocks(Planner(paired).plan(jobs))]
    assert found == [[0, 2], [1, 3]]
    assert [len(block) for block in blocks(Planner(compose).plan(jobs))] == [1, 1, 1, 1]


def test_what_is_timed_in_turns_is_reused_as_a_whole_or_not_at_all(empty_folder):
    def paired(overrides):
        return {**compose(overrides), "timing": {"paired": True, "repeats": 2}}

    def plan(*types):
        return Planner(paired).plan(combinations(clusterer__covariance_type=types))

    def run(planned):
        def launch(job, jobs):
            return job.run(jobs)

        with Sweep(common_settings(planned), [], launch, planned, len(planned)) as sweep:
            sweep.run(planned)

    run(plan("full", "tied"))
    assert [job.state for job in plan("full", "tied")] == ["done", "done"]
    one_more = plan("full", "tied", "diag")
    assert [job.state for job in one_more] == ["new", "new", "new"]
    assert "in turns" in one_more[0].reason
    run(plan("diag"))
    assert [job.state for job in plan("full", "tied", "diag")] == ["new", "new", "new"]


@pytest.mark.parametrize(
    "setting",
    ["name=other", "runs_dir=elsewhere", "on_error=stop", "limits.threads=2", "timing.repeats=3", "pictures=true"],
)
def test_a_sweep_has_one_of_what_it_needs_one_of(empty_folder, setting):
    planned = Planner(compose, [setting]).plan({0: (), 1: (setting,)})
    with pytest.raises(ConfigError, match="all jobs of a sweep have the same value"):
        common_settings(planned)


def test_no_two_runs_share_a_folder(tmp_path):
    folders = {fresh_folder(tmp_path, "gmm") for _ in range(20)}
    assert len(folders) == 20


def test_a_parcel_from_another_disk_is_unpacked(empty_folder):
    def launch(job, jobs):
        elsewhere = empty_folder / "another machine"
        there = type(job)(elsewhere, job.run_id, job.varies)
        return here(there, jobs)

    sweep, _ = swept(JOBS, launch)
    assert sweep.ledger.counts == {"done": 3, "failed": 0}
    assert len(journals(sweep.info.folder)) == 4


def test_upgrading_one_plugin_makes_only_its_runs_stale(empty_folder, monkeypatch):
    both = {
        0: (),
        1: ("task.name=differentiate", "differentiator.name=dual", "problem.name=cubic", "timing.repeats=0"),
    }

    def compose_both(overrides):
        config = compose(overrides)
        unused = ("clusterer", "dataset") if config["task"]["name"] == "differentiate" else ()
        return {name: node for name, node in config.items() if name not in unused}

    planned = Planner(compose_both).plan(both)
    with Sweep(common_settings(planned[:1]), [], here, planned, len(planned)) as sweep:
        sweep.run(planned)
    was = Plugin.identity.func

    def upgraded(plugin):
        return "gradmix 99.0 (new)" if plugin.name == "clustering" else was(plugin)

    monkeypatch.setattr(Plugin, "identity", property(upgraded))
    first, second = Planner(compose_both, (), sweep.info.folder).plan(both)
    assert (first.state, second.state) == ("stale", "done")
    assert first.reason.startswith("clusterer was of gradmix ")
    assert first.reason.endswith("is of gradmix 99.0 (new)")


def test_nothing_is_reused_of_a_plugin_whose_version_cannot_be_told(empty_folder, monkeypatch):
    swept(JOBS)
    monkeypatch.setattr(Plugin, "identity", property(lambda plugin: UNKNOWN))
    planned = Planner(compose).plan(JOBS)
    assert {job.state for job in planned} == {"new"}
    assert "the version of clusterer, dataset, task is unknown" in planned[0].reason


LABEL = "clusterer.n_components=1"


def test_the_time_of_earlier_runs_is_the_estimate(empty_folder):
    swept(JOBS)
    same, kind, strange = Planner(compose).plan(
        {0: ("seed=5", "clusterer.n_components=1"), 1: ("clusterer.n_components=7",), 2: ("clusterer.name=kmeans",)}
    )
    (seconds,) = {
        run.seconds for run in read_runs(find_journals(empty_folder)).runs if run.started.get("label") == LABEL
    }
    assert same.seconds == seconds
    assert kind.seconds is not None
    assert strange.seconds is None


def test_a_journal_that_was_cut_off_is_taken_up_again_whole_and_in_time(tmp_path):
    book = Journal(tmp_path)
    book.write("started", format=1, kind="sweep")
    book.close()
    path = tmp_path / "journal.jsonl"
    future = time.time() + 3600  # the clock has been set back an hour since
    path.write_text(path.read_text() + json.dumps({"event": "job", "time": future, "number": 0}) + '\n{"event": "jo')
    book = Journal.reopen(tmp_path)
    book.write("resumed")
    book.close()
    events = read_run(tmp_path).events
    assert [event["event"] for event in events] == ["started", "job", "resumed"]
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
