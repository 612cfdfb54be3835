"""All tools have the exact gradient; those that are missing are named with what installs them."""

import math

import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics import software
from gradmix_lecture.topics.software import TOOLS, SoftwareTable


def test_the_gradient_at_two_variables_is_the_lectures():
    assert software._gradient(np.array([0.7, -1.3])) == pytest.approx([-1.3 + math.cos(0.7), 0.7], rel=1e-15)


def test_installed_tools_agree_with_it():
    table = Table(list(SoftwareTable(tools=("dual", "tape", "source", "autograd"), n=7, repeats=1).rows()))
    assert table["tool"].tolist()[:3] == [0.0, 1.0, 2.0]
    assert table["error"].max() < 1e-14


def test_a_tool_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(TOOLS, "torch", software.Software("PyTorch", "reverse", ("no-such-package",)))
    topic = SoftwareTable(tools=("torch", "dual"), repeats=1)
    assert [row["tool"] for row in topic.rows()] == [0.0]
    assert "PyTorch is not installed: pip install 'gradmix[torch]'" in topic.texts()["tools.txt"]
    with pytest.raises(ConfigError, match="none of topic"):
        SoftwareTable(tools=("torch",)).check()


@pytest.mark.parametrize("wrong", [(), ("adept",), ("dual", "dual")])
def test_tools_that_are_not_known_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"topic\.tools"):
        SoftwareTable(tools=wrong).check()
