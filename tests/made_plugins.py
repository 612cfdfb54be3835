"""Distributions with plugins, laid out as pip leaves them, without installing anything."""

from pathlib import Path
from textwrap import dedent


def make_distribution(folder, name="other-plugin", *, source="", entry_points=None, requires=(), version="1.0", **more):
    """Write a module and its distribution's metadata into a folder that is on the path.

    `entry_points` maps names to values; one that names the module as a whole unless told otherwise.
    """
    folder = Path(folder)
    module = name.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    required = "".join(f"Requires-Dist: {each}\n" for each in requires)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}\n")
    points = entry_points or {module: module}
    (info / "entry_points.txt").write_text(
        "[gradmix]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
    )
    (folder / f"{module}.py").write_text(dedent(source))
    for file, text in more.items():
        (folder / f"{file}.py").write_text(dedent(text))
    return folder


CLUSTERER = '''
from dataclasses import dataclass

import gradmix


@dataclass
class Groups(gradmix.Clusterer):
    """Everything in one group."""

    n_groups: int = 1
    objective = gradmix.INERTIA

    def iterate(self, X, rng):
        yield from ()
'''
"""A module with one sound clusterer."""
