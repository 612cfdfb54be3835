"""The promises of all checks as Markdown; ``python -m gradmix.testing.promises docs/check.md`` updates that page."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from gradmix.testing.check import Check
from gradmix.testing.table import CHECKS, checks_of

MARK = "<!-- Below: written by python -m gradmix.testing.promises docs/check.md -->\n"
"""Everything below this line of a page is replaced."""


def promises() -> str:
    """Return a section for any component and one for each kind, with one line for each check."""
    shared = checks_of("")
    own = {kind: [check for check in checks_of(kind) if check not in shared] for kind in sorted(CHECKS)}
    return "\n".join(
        [
            _section("Any component", shared),
            *(_section(kind.capitalize(), checks) for kind, checks in own.items()),
        ]
    )


def _section(title: str, checks: Iterable[Check]) -> str:
    lines = [f"## {title}", ""]
    for group, members in groupby(checks, key=lambda check: check.group):
        lines += [f"### {group.capitalize()}", ""]
        lines += [f"- **{check.name}**: {check.promise}" for check in members] + [""]
    return "\n".join(lines)


def up_to_date(page: str) -> str:
    """Return a page with the text below the mark brought up to date."""
    return page.partition(MARK)[0] + MARK + "\n" + promises()


def main(path: Path) -> None:
    """Bring a page up to date."""
    path.write_text(up_to_date(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
