"""What docs/peers.md says of each peer is what the plugin says."""

import re
import tomllib
from pathlib import Path

import pytest

from gradmix.registry.registry import registry
from gradmix_peers import gradmix_components

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
ROWS = {name: (kind, install) for name, kind, install in re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \|", TEXT, re.M)}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_every_peer_stands_in_the_table_and_nothing_else():
    offered = {name: kind for kind, names in gradmix_components().items() for name in names}
    assert {name: kind for name, (kind, _) in ROWS.items()} == offered


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_extra_that_is_named_installs_what_the_peer_requires(name):
    kind, install = ROWS[name]
    module, _, attribute = registry().find(kind, name).implementation.partition(":")
    required = getattr(__import__(module, fromlist=[attribute]), attribute).requires
    named = re.findall(r"gradmix\[(\w+)\]", install)
    assert len(required) == len(named)
    for package, extra in zip(required, named, strict=True):
        assert any(requirement.startswith(package) for requirement in EXTRAS[extra])


def test_the_examples_work():
    for block in re.findall(r"```python\n(.*?)```", TEXT, flags=re.S):
        names = {"__name__": __name__}
        exec(block, names)  # our own document
        if "Tree" in names:
            assert names["Tree"](n_clusters=2).fit([[0.0], [0.1], [5.0]]).labels_.tolist() == [1, 1, 0]
        else:
            assert names["CentralDifference"]().derivative(lambda x: x**3, 2.0) == pytest.approx(12.0, rel=1e-8)


def test_pytorch_and_tensorflow_alone_are_left_out_of_peers():
    (everything,) = EXTRAS["peers"]
    named = set(re.search(r"\[(.*)\]", everything)[1].split(","))
    wanted = {extra for _, install in ROWS.values() for extra in re.findall(r"gradmix\[(\w+)\]", install)}
    assert wanted - named == {"torch", "tensorflow"}
