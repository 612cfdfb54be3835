"""Pages as a browser shows them: headless Chromium, without which these tests are skipped."""

import shutil
import subprocess

import pytest

from conftest import HANGS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--window-size=1366,768"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
)


def needs_browser(test):
    """Mark a test that opens a page in Chromium."""
    reason = "Chromium is not installed (apt-get install chromium)"
    return pytest.mark.processes(pytest.mark.skipif(CHROMIUM is None, reason=reason)(test))


def opened(page, profile, *more, within=20000):
    """The page's elements after its scripts have run for so many milliseconds of the browser's time, as text."""
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", f"--virtual-time-budget={within}", *more, "--dump-dom"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
    assert "Uncaught" not in done.stderr, done.stderr
    return done.stdout
