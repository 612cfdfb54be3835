"""Text from outside, made safe for a terminal: escape sequences and invisible characters are shown, not sent.

Names, labels and errors come from data files, journals, paths and plugins. A terminal obeys escape sequences in them:
they can change its title, move the cursor or hide text. Text without a valid encoding (a path that is not UTF-8)
cannot be printed at all.
"""

from __future__ import annotations

import re

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"  # all but tab and newline
_DIRECTIONS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # these reorder what is shown around them
_SURROGATES = "\ud800-\udfff"
_UNPRINTABLE = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_SURROGATES}]")


def visible(text: str) -> str:
    r"""Return the text with control characters escaped; newlines and tabs stay.

    >>> print(visible("\x1b[31mred\x07"))
    \x1b[31mred\x07
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
