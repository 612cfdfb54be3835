"""``gradmix derive``: print the derivative of a function as source code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from gradmix.cli.parser import CommandParser
from gradmix.contracts.errors import ConfigError
from gradmix.contracts.terminal import visible

_DESCRIPTION = """\
Print the derivative of a Python function as Python source code. A comment above each group of lines gives the number
and the text of the line that was differentiated."""
_EXAMPLES = """\
examples:
  gradmix derive model.py:loss
  gradmix derive package.module:function --mode forward
  gradmix derive model.py:loss --at "[1.0, 2.0]" --side-by-side > loss_gradient.txt

exit code: 0 on success, 2 if the function cannot be found or transformed"""
_LONGEST = 16
_ORIGIN = re.compile(r"\s*# (\d+): (.*)")


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("derive", _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("place", metavar="FUNCTION", help="path/to/file.py:function or package.module:function, of one argument")
    add("--at", metavar="POINT", help="a number or a list, as in a config; only its shape matters (default: tried out)")
    add("--mode", default="auto", help="forward, reverse, or auto (default)")
    add("--compiled", action="store_true", help="print the code that would be compiled, and compile it as a check")
    add("--side-by-side", action="store_true", help="print each line of the function beside its derivative")
    add("--differentiator", default="source", metavar="NAME", help="one that writes source code (default: %(default)s)")
    options = parser.parse_args(arguments)

    import yaml

    from gradmix.config.build import differentiator
    from gradmix.testing.places import class_at

    function = class_at(options.place)
    point = yaml.safe_load(options.at) if options.at is not None else _point_of(function, options.place)
    chosen = {"mode": options.mode, **({"compiled": True} if options.compiled else {})}
    text = differentiator(options.differentiator, **chosen).code(function, point)
    shown = "\n".join([*_columns(text), ""]) if options.side_by_side else text
    print(visible(shown), end="")
    return 0


def _point_of(function: Callable[..., Any], place: str) -> Any:
    """Return a point at which a function can be evaluated: a number or the shortest possible vector.

    Raises
    ------
    ConfigError
        If no such point is found.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        for point in (1.0, *(np.ones(n) for n in range(1, _LONGEST + 1))):
            with suppress(Exception):  # a function may raise any error at an unsuitable point
                function(point)
                return point
    raise ConfigError(
        f"{place} accepts neither a number nor a vector of up to {_LONGEST} entries: give a point with --at, such as "
        '--at "[[1.0, 2.0], [3.0, 4.0]]".'
    )


def _columns(text: str) -> Iterator[str]:
    """Yield lines with the user's code on the left and the code generated from it on the right."""
    lines = text.splitlines()
    origins = [_ORIGIN.match(line) for line in lines]
    width = max((len(found[1]) + len(found[2]) + 2 for found in origins if found), default=0)
    left = ""
    for line, origin in zip(lines, origins, strict=True):
        if origin:
            left = f"{origin[1]}  {origin[2]}"
        else:
            yield f"{left:<{width}} | {line}".rstrip()
            left = ""
    if left:
        yield f"{left:<{width}} |"
