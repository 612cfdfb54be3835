"""Fingerprints change with whatever a plugin is written in."""

from importlib.metadata import Distribution, EntryPoint

import pytest

from gradmix.registry.entry import Entry
from gradmix.registry.plugin import FilePlugin, Plugin, fingerprint_of_package


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder whose modules can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def changes(file, what):
    """Whether a value is another when a file has been edited."""
    before = what()
    assert before == what()
    file.write_text("VALUE = 2")
    return before != what()


def test_of_a_package_without_an_init_file(folder):
    (folder / "open_package").mkdir()
    module = folder / "open_package" / "a.py"
    module.write_text("VALUE = 1")
    assert changes(module, lambda: fingerprint_of_package("open_package"))


@pytest.mark.parametrize("line", ["import beside", "from beside import VALUE", "def f():\n    import beside.part"])
@pytest.mark.parametrize("name", ["beside.py", "beside/part.py", "further.py"])
def test_of_a_module_that_imports_what_lies_beside_it(folder, line, name):
    (folder / "single.py").write_text(line)
    (folder / "beside").mkdir()
    (folder / "beside" / "part.py").write_text("import further")
    if name == "beside.py":
        (folder / "beside.py").write_text("VALUE = 1")
    if name == "further.py":
        (folder / "further.py").write_text("VALUE = 1")
    assert changes(folder / name, lambda: fingerprint_of_package("single"))
    (folder / name).write_text("VALUE = 1")
    assert changes(folder / name, lambda: FilePlugin(folder / "single.py").identity)


def test_of_a_module_that_does_not_import_what_lies_beside_it(folder):
    (folder / "single.py").write_text("import math")
    (folder / "beside.py").write_text("VALUE = 1")
    assert not changes(folder / "beside.py", lambda: fingerprint_of_package("single"))


def test_of_a_component_that_lies_in_another_package_than_its_plugin(folder):
    class Editable(Distribution):
        def read_text(self, filename):
            texts = {"direct_url.json": '{"dir_info": {"editable": true}}', "METADATA": "Name: mine\nVersion: 1.0\n"}
            return texts.get(filename)

        def locate_file(self, path):
            return folder / path

    (folder / "plug.py").write_text("")
    (folder / "algorithm.py").write_text("VALUE = 1")
    point = EntryPoint("plug", "plug", "gradmix")
    vars(point).update(dist=Editable())
    assert changes(
        folder / "algorithm.py", lambda: Entry("clusterer", "mine", "algorithm:Mine", Plugin(point)).identity
    )
