"""Journals of every kind that MLflow may be given, made without running anything, and what a store holds of them."""

import re
import sqlite3

from made_journals import write_events

MODEL = """{"clusterer": {"name": "kmeans"}, "model": {"centers": [[1.0]]}, "requires": ["numpy>=2"],
            "columns": {"names": ["größe, cm", "1e5"], "n_columns": 2}, "outputs": ["group", "probability_0"]}"""


def iteration(step, start=0, event="iteration", **metrics):
    return {"event": event, "start": start, "step": step, "metrics": metrics or {"log_likelihood": -100.0 + step}}


def data(name="old_faithful", digest="d1", columns=2, source=None):
    told = [[f"Spalte {number}", ["float64", "int64", "<U3"][number % 3]] for number in range(columns)]
    return {"name": name, "digest": digest, "rows": 9, "columns": told, "source": source}


def result(*inputs, **metrics):
    return {"event": "result", "metrics": metrics or {"bic": 5.0, "n_iter": 3}, "best_start": 0, "inputs": list(inputs)}


END = {"event": "finished"}
SAME_TIME = {"time": 1.7e9}
KINDS = {
    "finished": [iteration(1), iteration(2), result(data()), END],
    "other data": [result(data(), data("d.csv", "d2", source="/a folder/d.csv"), data("wide", "d3", columns=300)), END],
    "data named twice": [result(data("twice"), data("twice", columns=5), data("d.csv", "d2")), END],
    "failed": [iteration(1), {"event": "failed", "error": "ValueError: " + "lang: äöü €\n" * 3000}],
    "killed": [iteration(1), iteration(2)],
    "interrupted": [iteration(1), {"event": "interrupted"}],
    "empty": [],
    "many metrics": [*(iteration(step) for step in range(1, 2501)), result(), END],
    "many names": [result(**{f"m/{number}": number for number in range(1200)}), END],
    "not finite": [
        iteration(1, log_likelihood="-inf", lower="nan"),
        iteration(2, log_likelihood=-3, lower=0.5),
        result(bic="inf", huge=1.7e308, tiny=5e-324, minus=-0.0, whole=2**60, yes=True),
        END,
    ],
    "starts": [*(iteration(step, start) for start in range(3) for step in (1, 2)), {**result(), "best_start": 1}, END],
    "system": [iteration(1, event="system", cpu=3.5), iteration(1), iteration(2, event="system", cpu=4.5), END],
    "points twice": [
        *({**iteration(1, log_likelihood=value, tied=value), **SAME_TIME} for value in (2.0, 3.0, 2.0, 0.0, -0.0)),
        {**iteration(3, log_likelihood=1.0), **SAME_TIME, "time": 1.6e9},
        {**iteration(2, log_likelihood=9.0), **SAME_TIME},
        END,
    ],
    "resumed": [result(done=1), {"event": "resumed"}, result(done=2), END],
    "names": [result(**{"größe/Ω 1": 1, "a:b.c-d_e/f g": 2}), END],
}
"""What journals there are, by name: their events after the first."""

PARAMS = {
    "finished": {"clusterer": "gmm", "clusterer.tol": None, "flag": True, "unicode": "Ω\x00🙂 'quoted' \"too\""},
    "many metrics": {f"option.{number:03}": number / 3 for number in range(250)},
    "failed": {"long": "ü" * 7000, "empty": "", "list": [1, [2]]},
}


def write(folder, kind, sweep=None):
    """A run's folder: its journal, and artifacts if it came to an end."""
    started = {"event": "started", "format": 1, "kind": "run", "run_id": str(folder), "name": "trial"}
    more = {"label": f"Lauf {kind} 🙂", "params": PARAMS.get(kind, {"seed": 1}), "plugins": {"task": "p 1"}}
    write_events(folder, [{**started, **more, "sweep": sweep}, *KINDS[kind]])
    if kind not in ("empty", "killed"):
        artifacts = folder / "artifacts"
        (artifacts / "tief" / "er").mkdir(parents=True)
        (artifacts / "tief" / "er" / "größe.txt").write_text("Ω")
        (artifacts / "leer").mkdir()
        (artifacts / "config.yaml").write_text("a: 1\n")
    if kind in ("finished", "starts", "failed"):
        (folder / "artifacts" / "model.json").write_text(MODEL)
    return folder


def dump(store):
    """Every row of every table and every artifact, with the ids replaced by what they stand for."""
    with sqlite3.connect(store) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        names = dict(connection.execute("SELECT run_uuid, value FROM tags WHERE key = 'gradmix.run_id'"))
        names |= dict(connection.execute("SELECT dataset_uuid, name || digest || experiment_id FROM datasets"))
        names |= dict(connection.execute("SELECT model_id, 'model of ' || source_run_id FROM logged_models"))
        names |= dict(connection.execute("SELECT input_uuid, source_id || ' to ' || destination_id FROM inputs"))
        connection.row_factory = sqlite3.Row
        rows = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in tables}
    root = store.parent / "mlflow-artifacts"
    files = {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}

    def plain(text):
        for _ in range(3):  # names are made of names
            text = re.sub("(m-)?[0-9a-f]{32}", lambda found: names.get(found[0], found[0]), text)
        return text.replace(store.parent.absolute().as_uri(), "STORE")

    return {
        **{name: sorted(plain(repr(_lasting(row))) for row in some) for name, some in rows.items()},
        "files": {plain(name): plain(content.decode()) for name, content in files.items()},
    }


def _lasting(row):
    """A row without what only tells when it was written."""
    return {name: value for name, value in row.items() if not name.startswith(("creation_time", "last_update"))}
