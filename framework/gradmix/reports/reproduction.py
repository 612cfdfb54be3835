"""Describe in words whether a reproduced run has the same result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gradmix.reports.wording import shown
from gradmix.runs.deviation import Deviation
from gradmix.runs.reproduction import TOLERANCE, Reproduction

_MOST_NAMED = 5


def rows(made: Reproduction) -> dict[str, str]:
    """Return the lines to print about a reproduction: name → text."""
    found = {
        "run": f"{made.before.label} ({shown(made.before.folder)})",
        "compared": f"{made.n_compared} values of {_compared(made)}",
        "result": _verdict(made),
    }
    if not made.is_identical:
        found |= _named(made)
    for name, (was, now) in {**made.surroundings, **made.others}.items():
        found[name] = f"was {was}, is {now}"
    return found


def _verdict(made: Reproduction) -> str:
    n = len(made.deviations)
    if not n:
        return "identical to the last bit" if made.before.is_finished else "identical: it failed with the same error"
    if made.is_identical:
        return f"identical to {TOLERANCE:g}: {n} values differ, by {made.size:.2g} at most"
    why = "" if made.is_exact else f" by more than {TOLERANCE:g}"
    return f"different: {len(made.wrong)} of {made.n_compared} values differ{why}"


def _compared(made: Reproduction) -> str:
    n = made.n_iterations
    steps = [f"{n} iteration{'s' if n != 1 else ''}"] if n else []
    ends = ["the final metrics"] if made.before.is_finished else ["the error"]
    return " and ".join([*steps, *ends, *(["the model"] if made.models is not None else [])])


def _named(made: Reproduction) -> Mapping[str, str]:
    """Return the first values that differ, one line for each."""
    wrong = made.wrong
    named = {each.where: _said(each) for each in wrong[:_MOST_NAMED]}
    more = len(wrong) - _MOST_NAMED
    return named | ({"": f"… and {more} more"} if more > 0 else {})


def _said(each: Deviation) -> str:
    size = f" (by {each.size:.2g})" if math.isfinite(each.size) else ""
    return f"was {_text(each.was)}, is {_text(each.now)}{size}"


def _text(value: Any) -> str:
    return "not there" if value is None else repr(value) if isinstance(value, float) else str(value)
