import re
import socket
import time
import urllib.request
from collections import Counter

import pytest

from conftest import HANGS, end
from gradmix.registry.registry import registry


def test_help_names_every_command(gradmix_main):
    out, _ = gradmix_main()
    for command in ("run", "sync", "plugins", "ui"):
        assert f"  {command} " in out


def test_an_unknown_command_is_told_with_the_nearest(gradmix_main):
    _, err = gradmix_main("rnu", code=2)
    assert "Did you mean run?" in err


def test_plugins_lists_every_component_with_its_distribution(gradmix_main):
    out, _ = gradmix_main("plugins")
    alike = Counter(entry.name for entry in registry())
    for entry in registry():
        lines = [line for line in out.splitlines() if line.split()[:1] == [entry.name]]
        absent = [line for line in out.splitlines() if f" {entry.name}  not installed: pip install 'gradmix[" in line]
        assert len(lines) + len(absent) == alike[entry.name]
        assert all(entry.plugin.distribution in line for line in lines)


def test_plugins_documents_one_kind_where_several_have_the_name(gradmix_main):
    both, _ = gradmix_main("plugins", "newton")
    assert re.findall(r"^(\w+) newton  \(", both, flags=re.M) == ["solver", "topic"]
    out, _ = gradmix_main("plugins", "topic/newton")
    assert re.findall(r"^(\w+) newton  \(", out, flags=re.M) == ["topic"]
    assert "topic.start" in out
    _, err = gradmix_main("plugins", "topic/newtn", code=2)
    assert "Did you mean topic/newton?" in err


def test_plugins_documents_the_options_of_one(gradmix_main):
    out, _ = gradmix_main("plugins", "gmm")
    assert "clusterer.covariance_type = full   one of EEE, EEI" in out
    assert "Number of Gaussians, k." in out
    assert "clusterer.random_state = the run's seed" in out
    assert "gradmix run clusterer=gmm" in out
    out, _ = gradmix_main("plugins", "tape")
    assert "gradmix run task=differentiate differentiator=tape" in out


def test_plugins_of_an_unknown_name(gradmix_main):
    _, err = gradmix_main("plugins", "gmmm", code=2)
    assert "Did you mean gmm?" in err


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nonsense", "cannot use 'nonsense': give runs_dir=DIR"),
        ("seed=3", "See gradmix sync --help."),
        ("tracking.url=x", "Did you mean tracking.uri?"),
    ],
)
def test_sync_refuses_what_it_does_not_know(gradmix_main, empty_folder, argument, message):
    _, err = gradmix_main("sync", argument, code=2)
    assert message in err


def test_ui_without_a_store_says_how_to_make_one(gradmix_main, empty_folder):
    _, err = gradmix_main("ui", code=1)
    assert "`gradmix run` creates it" in err


@pytest.mark.slow
def test_ui_serves_mlflows_dashboard_on_the_loopback_address(gradmix_command, folder_with_store):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = gradmix_command.start("ui", "--port", str(port))
    try:
        deadline = time.monotonic() + HANGS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    assert b"MLflow" in page.read()
                    return
            except OSError:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.2)
    finally:
        end(process)
