"""Docstrings in NumPy's format: their opening, their sections, and what they say of parameters."""

from __future__ import annotations

import inspect
import re


def opening(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())


def sections(text: str | None) -> dict[str, str]:
    """Title → body of each section of a docstring; what precedes the first one has the title ``""``."""
    first, *rest = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(text or ""), flags=re.M)
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


def parameter_docs(component: type) -> dict[str, str]:
    """Read what the ``Parameters`` sections of a class and its bases say of each parameter."""
    docs: dict[str, str] = {}
    for cls in reversed(component.__mro__):
        section = sections(cls.__doc__).get("Parameters", "")
        for names, body in re.findall(r"^(\w[\w, ]*?)(?: :.*)?\n((?:[ \t]+\S.*\n?|\n)+)", section, re.M):
            docs.update(dict.fromkeys(names.split(", "), " ".join(body.split())))
    return docs
