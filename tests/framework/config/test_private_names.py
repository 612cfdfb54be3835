"""Hydra and OmegaConf are used through their public names; each exception is in docs/decisions/0030."""

import re
from pathlib import Path

import gradmix

FRAMEWORK = Path(gradmix.__file__).parents[1]
KNOWN = {"cli/run.py: hydra._internal.utils", "config/composer.py: hydra._internal.callbacks"}


def test_no_module_of_hydras_is_used_that_is_private_but_those_known():
    found = {
        f"{path.relative_to(FRAMEWORK / 'gradmix') if 'gradmix/' in str(path) else path.name}: {name}"
        for path in FRAMEWORK.rglob("*.py")
        for name in re.findall(
            r"(?:from|import) ((?:hydra|omegaconf)[\w.]*\._[\w.]+)", path.read_text(encoding="utf-8")
        )
    }
    assert found == KNOWN


def test_no_attribute_of_omegaconfs_is_used_that_is_private_but_those_known():
    private = r"\.(_get_node|_set_item_impl|_get_flag|_set_flag|_key|_get_full_key|_metadata)\("
    found = {
        (path.name, name) for path in FRAMEWORK.rglob("*.py") for name in re.findall(private, path.read_text("utf-8"))
    }
    assert found == {("explain.py", "_key"), ("explain.py", "_get_full_key")}
