"""``gradmix rm``: delete runs and sweeps, on disk and in MLflow."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.cli.parser import CommandParser
from gradmix.contracts.terminal import visible

if TYPE_CHECKING:
    from gradmix.tracking.removal import Removal

_DESCRIPTION = """\
Delete runs, on disk and in MLflow. A sweep is deleted with its runs, except those whose results another sweep has
reused. MLflow can restore deleted runs until `mlflow gc` removes them permanently; folders are deleted at once. If the
command is interrupted, repeat it."""
_EXAMPLES = """\
examples:
  gradmix rm 250a6477                        one run, as `gradmix runs` names it
  gradmix rm 2026-11-28_23-25-16-sweep       a sweep with its runs
  gradmix rm 2026-11-28_23-25-16-sweep/3     its third job, which `gradmix resume` runs again
  gradmix rm last --yes                      without confirmation

exit code: 0 on success, 1 if something could not be deleted or was not confirmed, 2 if there is no such run or it is
running"""
_MOST_NAMED = 10


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("rm", _DESCRIPTION, _EXAMPLES)
    parser.add_run(nargs="+")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask for confirmation")
    parser.add_argument("--reused", action="store_true", help="also delete runs whose results another sweep has reused")
    options = parser.parse_args(arguments)

    from gradmix.contracts.errors import StorageError
    from gradmix.tracking.removal import plan_removal, remove

    folders = [_only(name, options.runs_dir) for name in options.run]
    removal = plan_removal(folders, options.runs_dir, options.reused)
    for line in _described(removal):
        print(visible(line))
    if not options.yes and not _is_confirmed():
        return 1
    n_deleted = 0
    try:
        for _ in remove(removal):
            n_deleted += 1
    except (StorageError, OSError, KeyboardInterrupt) as error:
        what = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        total = len(removal.runs) + len(removal.sweeps)
        print(visible(f"gradmix rm: {what}\n{n_deleted} of {total} deleted; repeat it for the rest."), file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    print("deleted")
    return 0


def _only(name: str, runs_dir: Path) -> Path:
    """Return the folder of the named run; UnknownNameError if several runs have that key."""
    from gradmix.contracts.errors import UnknownNameError
    from gradmix.journal.reading import read_run
    from gradmix.reports.wording import shown
    from gradmix.tracking.lookup import find_attempts

    folders = find_attempts(name, runs_dir)
    if len(folders) > 1:
        several = "".join(f"\n  {shown(folder)}  {read_run(folder).status}" for folder in folders)
        raise UnknownNameError(f"{len(folders)} runs have the key {name}; give the folder of one:{several}")
    return folders[0]


def _described(removal: Removal) -> Iterator[str]:
    """Yield lines that list what will be deleted and what is kept."""
    from gradmix.contracts.secrets import without_user
    from gradmix.reports.wording import measured, shown

    yield f"to be deleted, {measured(removal.n_bytes(), 'B')}:"
    jobs = Counter(run.folder.parent for run in removal.runs)
    named = [f"  {shown(each.folder)}  a sweep with {_plural(jobs[each.folder], 'run')}" for each in removal.sweeps]
    named += [f"  {shown(each.folder)}  {each.label}, {each.status.replace('_', ' ')}" for each in removal.alone]
    yield from _shortened(named)
    for uri, runs in removal.stores.items():
        n_runs = _plural(len(runs), "run")
        yield f"  in MLflow at {without_user(uri)}: {n_runs}, which can be restored until `mlflow gc`"
    if removal.kept:
        yield "kept, because another sweep has reused them (--reused deletes them, too):"
        yield from _shortened([f"  {shown(run)}  reused by {shown(by)}" for run, by in removal.kept.items()])


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST_NAMED]
    if len(lines) > _MOST_NAMED:
        yield f"  … and {len(lines) - _MOST_NAMED} more"


def _plural(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


def _is_confirmed() -> bool:
    if not sys.stdin.isatty():
        print("gradmix rm: nothing was deleted, because there is no terminal to ask in. Add --yes.", file=sys.stderr)
        return False
    try:
        answer = input("Delete? [y/N] ").strip().lower()
    except EOFError:
        answer = ""
    if answer not in ("y", "yes"):
        print("nothing was deleted")
        return False
    return True
