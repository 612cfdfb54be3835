"""Journals as runs and sweeps write them, made without running anything."""

import json
import re
from pathlib import Path

START = 1.7e9


def write_run(folder, params=None, metrics=None, *, status="finished", curve=(), name="curves", at=0.0, **more):
    """Write the journal of a run; `curve` holds its log-likelihood by iteration, `more` other events by name."""
    started = {"event": "started", "format": 1, "kind": "run", "run_id": str(folder), "run_key": str(folder)}
    events = [{**started, "name": name, "label": folder.name, "params": params or {}, **more.pop("started", {})}]
    events += [
        {"event": "iteration", "start": 0, "step": step, "metrics": {"log_likelihood": value}}
        for step, value in enumerate(curve, start=1)
    ]
    events += [{"event": event, **content} for event, content in more.items()]
    events += [{"event": "result", "metrics": metrics or {}, "best_start": 0}] if status == "finished" else []
    ends = {"finished": {"event": "finished"}, "failed": {"event": "failed", "error": "it broke"}, "killed": None}
    events += [ends[status]] if ends[status] else []
    return write_events(folder, events, at)


def write_sweep(folder, jobs, *, n_planned=None, ended=True, **more):
    """Write the journal of a sweep with the `job` events given."""
    started = {"event": "started", "format": 1, "kind": "sweep", "run_id": str(folder), "name": folder.parent.name}
    planned = [[f"job={number}"] for number in range(len(jobs) if n_planned is None else n_planned)]
    events = [{**started, "label": "sweep", "varies": [], "jobs": planned}, *jobs]
    return write_events(folder, events + ([{"event": "finished"}] if ended else []), more.get("at", 0.0))


def job(number, **content):
    """The event that tells of an ended job."""
    event = {"event": "job", "number": number, "folder": str(number), "status": "finished", "run_key": str(number)}
    return {**event, "reused": False, "timings": True, **content}


def edit(folder, change):
    """Change the text of a journal as if it had been written so, by a version that wrote no checksum."""
    path = Path(folder) / "journal.jsonl"
    path.write_text(re.sub(r', "crc32": \d+', "", change(path.read_text())))
    return folder


def write_events(folder, events, at=0.0):
    """Write events as a journal does: the event's name first, then its time."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    timed = [
        {"event": event["event"], "time": START + at + index / 1000, **event} for index, event in enumerate(events)
    ]
    (folder / "journal.jsonl").write_text("".join(json.dumps(event) + "\n" for event in timed))
    return folder


def write_seeds(folder, algorithms, metric="bic", n_seeds=8, **options):
    """Write a sweep over algorithms and seeds; `algorithms` maps a name to its value for each seed."""
    number, jobs = 0, []
    for algorithm, value in algorithms.items():
        for seed in range(n_seeds):
            params = {"task": "cluster", "clusterer": algorithm, "seed": seed}
            write_run(folder / str(number), params, {metric: value(seed)}, at=number, **options)
            jobs.append(job(number))
            number += 1
    return write_sweep(folder, jobs)
