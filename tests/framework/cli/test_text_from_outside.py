"""Escape sequences that files, journals and plugins bring never reach the terminal, whatever the command."""

import ast
import csv
import io
import os
from pathlib import Path

import pytest

from conftest import HANGS
from gradmix.reports.run_rows import harmless, run_records, save_csv
from gradmix.sweeps.reading import read_sweep
from made_journals import job, write_events, write_run, write_sweep

EVIL = "\x1b]0;taken\x07\x1b[31m\x9b2J"
SHOWN = r"\x1b]0;taken"
FRAMEWORK = Path(__file__).parents[3] / "framework" / "gradmix"

PLUGIN = f'''
from dataclasses import dataclass
import gradmix

@dataclass
class Evil(gradmix.Metric):
    """Measure [red]{EVIL!r}[/red]."""
    better = "lower"
    def measure(self, groups): raise ValueError({EVIL!r})
'''.replace(repr(EVIL), EVIL, 1)


def is_clean(text):
    return not any(sign in text for sign in ("\x1b", "\x07", "\x9b"))


@pytest.fixture
def sweep(empty_folder):
    """A sweep whose names, labels and errors are escape sequences."""
    folder = Path("runs") / "exp" / f"2026-{EVIL}-sweep"
    for number, status in enumerate(("finished", "finished", "failed")):
        params = {"clusterer": f"a{EVIL}{number}", f"x{EVIL}": EVIL}
        write_run(folder / str(number), params, {"bic": float(number)}, status=status)
    return write_sweep(folder, [job(0), job(1), job(2, status="failed", error=EVIL, label=EVIL)])


def test_compare(gradmix_command, sweep):
    out, err = gradmix_command("compare", "--csv", f"runs{EVIL}.csv")
    assert is_clean(out + err)
    assert SHOWN in out
    out, err = gradmix_command("compare", "--csv", "-")
    assert is_clean(out + err)


def test_damaged_journals_in_compare_sync_and_resume(gradmix_command, sweep):
    write_events(sweep / "9", [{"event": "started", "format": 99, "kind": "run"}])
    (sweep / "2" / "journal.jsonl").write_text(f"{EVIL}\n")
    out, err = gradmix_command("compare")
    assert is_clean(out + err)
    assert SHOWN in err
    out, err = gradmix_command("sync", "tracking.uri=sqlite:///mlflow.db", code=1)
    assert is_clean(out + err)
    assert SHOWN in err
    for code in (1, 2):
        process = gradmix_command.start("resume", str(sweep))
        out, err = process.communicate(timeout=HANGS)
        assert process.returncode in (1, 2), code
        assert is_clean(out + err)


def test_a_header_and_a_path_in_a_run(gradmix_command, empty_folder):
    Path(f"{EVIL}.csv").write_text(f"a,{EVIL}\n1,2\n3,{EVIL}\n")
    plain = ("pictures=false", "tracking=none")
    out, err = gradmix_command("run", "dataset=file", f"dataset.path='{EVIL}.csv'", *plain, code=1)
    assert is_clean(out + err)
    assert SHOWN in err
    out, err = gradmix_command("run", "-m", "--plan", "dataset=file", f"dataset.path='{EVIL}.csv','b{EVIL}'", *plain)
    assert is_clean(out + err)
    assert SHOWN in out


def test_a_plugin_in_runs_and_lists(gradmix_command, empty_folder):
    Path("evil.py").write_text(PLUGIN)
    Path("broken.py").write_text(f"raise RuntimeError({EVIL!r})\n")
    files = "plugins.files=[evil.py,broken.py]"
    out, err = gradmix_command("plugins", files)
    assert is_clean(out + err)
    assert "Measure [red]" in out
    assert out.count(SHOWN) >= 2
    out, err = gradmix_command("plugins", "evil", "plugins.files=[evil.py]")
    assert is_clean(out + err)
    assert "[red]" in out
    run = ("metric=evil", "plugins.files=[evil.py]", "pictures=false", "tracking=none")
    process = gradmix_command.start("run", "-m", "seed=0,1", *run)
    out, err = process.communicate(timeout=HANGS)
    assert is_clean(out + err)
    assert SHOWN in out + err


def test_a_path_that_is_not_utf_8_can_be_printed(gradmix_command, empty_folder):
    path = os.fsdecode(b"page-\xff.html")
    write_run(Path("runs") / "exp" / "1", {"seed": 0}, {"bic": 1.0})
    out, _ = gradmix_command("compare", "exp", "--html", path)
    assert r"page: page-\udcff.html" in out


@pytest.mark.parametrize("cell", ["=1+1", "+x", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_what_a_spreadsheet_would_compute_is_text_in_csv(cell, tmp_path):
    write_run(tmp_path / "s" / "0", {cell: cell}, {cell: -1.5, "up": 1e-3})
    sweep = write_sweep(tmp_path / "s", [job(0)])
    save_csv(run_records(read_sweep(sweep).runs), tmp_path / "runs.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "runs.csv").read_bytes().decode())))
    assert not [each for row in rows for each in row if each.startswith(tuple("=+@\t\r\n"))]
    assert "-1.5" in rows[1]


@pytest.mark.parametrize("number", ["-1.5", "+2", "-1e-300", "-inf", "nan", "0", "-0.0"])
def test_numbers_stay_numbers_in_csv(number):
    assert harmless(number) == number


def test_no_command_prints_what_it_has_not_made_visible():
    """The class of the fault: a bare ``print`` of anything that is not constant."""
    bare = []
    for path in FRAMEWORK.rglob("*.py"):
        if "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                to_pipe = any(each.arg == "file" and ast.unparse(each.value) == "answers" for each in node.keywords)
                if not to_pipe and not all(map(_is_safe, node.args)):
                    bare.append(f"{path.relative_to(FRAMEWORK)}:{node.lineno}: {ast.unparse(node)}")
    assert not bare, "\n".join(bare)


def _is_safe(argument):
    if isinstance(argument, ast.Call):
        return ast.unparse(argument.func) in ("visible", "json.dumps", "report.json", "_help", "' '.join")
    return isinstance(argument, ast.Constant) or ast.unparse(argument) in ("HELP",)
