"""MLflow's own dashboard on a finished sweep, in a real browser: two runs compared, and their curves."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from urllib.parse import quote, urlencode

import pytest

from conftest import HANGS, all_runs, end

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1366,768", "--dump-dom"),
]


@pytest.fixture
def dashboard(gradmix_command, client):
    """Address of the dashboard on the store of the working folder, served by the command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gradmix_command(
        "run", "-m", "clusterer.covariance_type=full,tied", "clusterer.init_params=random", "pictures=false"
    )
    process = gradmix_command.start("ui", "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + HANGS
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.2)
    yield address
    end(process)


def page(address, profile):
    """What a browser makes of a page, once it has loaded and drawn all."""
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=60000", address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=HANGS).stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")
def test_two_runs_are_compared_and_their_curves_are_there(dashboard, client, tmp_path_factory):
    runs = [run for run in all_runs(client) if run.data.tags["gradmix.kind"] == "run"]
    assert len(runs) == 2
    ids = quote(json.dumps([run.info.run_id for run in runs]))
    experiments = quote(json.dumps([runs[0].info.experiment_id]))
    profile = tmp_path_factory.mktemp("profile")
    compared = page(f"{dashboard}/#/compare-runs?runs={ids}&experiments={experiments}", profile)
    assert "Comparing 2 Runs" in compared
    for run in runs:
        assert run.info.run_name in compared
    assert "log_likelihood" in compared
    assert "clusterer.covariance_type" in compared
    shown = {
        "metric": json.dumps("log_likelihood"),
        "plot_metric_keys": json.dumps(["log_likelihood"]),
        "plot_layout": "{}",
        "x_axis": "step",
        "y_axis_scale": "linear",
        "line_smoothness": "1",
        "deselected_curves": "[]",
        "last_linear_y_axis_range": "[]",
    }
    query = f"runs={ids}&experiments={experiments}&{urlencode(shown, quote_via=quote)}"
    curves = page(f"{dashboard}/#/metric?{query}", profile)
    assert len(re.findall(r'<g class="trace scatter', curves)) >= 2
    for run in runs:
        assert f"{run.info.run_name} (log_likelihood)" in curves
