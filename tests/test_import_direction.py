"""Imports point down: each floor of the core knows only those below it, and nobody knows a plugin's insides."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    "contracts",
    "journal",
    "adapters",
    "registry",
    "config",
    "testing",
    "authoring",
    "runs",
    "sweeps",
    "tracking",
    "reports",
    "cli",
    "notebook",
]
"""The core's floors, from the ground up."""
PUBLIC = {"gradmix", "gradmix.testing", "gradmix.arrays"}
"""What plugins may import of the core."""

SHIPPED = {"gradmix.tracking.served_model"}
"""Code that MLflow copies into a model and runs on its own: it uses the public face, as a user's would."""

CORE = sorted((ROOT / "framework" / "gradmix").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))


def imported(file):
    """Every module that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            yield node.module


ROOF = len(FLOORS)
"""The public face, `gradmix` and the modules in `FACE`: above all floors, so that to import it is to import upward."""
FACE = {"arrays", "functions", "implicit", "public", "typing"}


def floor(module):
    """Number of the floor of one of the core's modules; None for a single file beside the floors."""
    parts = module.split(".")
    if parts == ["gradmix"] or parts[1] in FACE:
        return ROOF
    return FLOORS.index(parts[1]) if parts[1] in FLOORS else None


def name_of(file):
    return ".".join(file.relative_to(ROOT / "framework").with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("file", CORE, ids=name_of)
def test_core_imports_point_down(file):
    own = None if name_of(file) in SHIPPED else floor(name_of(file))
    for module in imported(file):
        assert not module.startswith(("gradmix_", "hydra_plugins")), f"{file} imports the plugin {module}"
        if own is not None and module.split(".")[0] == "gradmix":
            other = floor(module)
            assert other is None or other <= own, f"{file} imports upward: {module}"


@pytest.mark.parametrize("file", PLUGINS, ids=lambda file: f"{file.parent.name}.{file.stem}")
def test_plugins_import_public_names_only(file):
    for module in imported(file):
        if module.startswith("gradmix"):
            own = file.relative_to(ROOT / "plugins").parts[0]
            assert module in PUBLIC or module.split(".")[0] == own, f"{file} imports {module}"


def test_only_tracking_knows_mlflow():
    users = {file for file in CORE for module in imported(file) if module.split(".")[0] == "mlflow"}
    assert users
    assert {file.parent.name for file in users} == {"tracking"}


def test_the_rule_would_catch_an_upward_import():
    assert floor("gradmix.runs.runner") > floor("gradmix.contracts.errors")
    assert floor("gradmix") == floor("gradmix.arrays") > floor("gradmix.cli.main")
