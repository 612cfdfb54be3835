"""A reader of docstrings in NumPy's format: the opening, the sections and the texts on parameters."""

from __future__ import annotations

import inspect
import re


def opening(text: str | None) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())


def sections(text: str | None) -> dict[str, str]:
    """Return title → body of each section of a docstring; the text before the first section has the title ``""``."""
    first, *rest = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(text or ""), flags=re.M)
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


def parameter_docs(component: type) -> dict[str, str]:
    """Return parameter → its text in the ``Parameters`` sections of a class and its bases."""
    docs: dict[str, str] = {}
    for cls in reversed(component.__mro__):
        section = sections(cls.__doc__).get("Parameters", "")
        for names, body in re.findall(r"^(\w[\w, ]*?)(?: :.*)?\n((?:[ \t]+\S.*\n?|\n)+)", section, re.M):
            docs.update(dict.fromkeys(names.split(", "), " ".join(body.split())))
    return docs
