"""``gradmix reproduce``: repeat a run from its journal, and report whether the result is the same."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.cli.parser import CommandParser
from gradmix.contracts.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from gradmix.runs.reproduction import Reproduction

_DESCRIPTION = """\
Repeat a run from its journal, and compare every iteration, the final metrics and the model, but not the times. On the
same type of processor with the same versions they must agree to the last bit; otherwise to 1e-9. Versions, processor,
git commit and options that differ are listed. The new run appears neither in runs_dir nor in MLflow."""
_EXAMPLES = """\
examples:
  gradmix reproduce last                       the newest run
  gradmix reproduce 250a6477                   a run by its key, or by its ID in MLflow
  gradmix reproduce last --keep copy           keep the new run in the folder copy: gradmix show copy
  gradmix reproduce last problem.path=my.py:f  code must be named: the journal may come from someone else
  gradmix reproduce last dataset.path=new.csv  data that were moved
  gradmix reproduce last limits.seconds=60     limits of the new run; the old ones are not recorded

exit code: 0 if the result is identical, 1 if it differs, 2 if the run cannot be repeated"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("reproduce", _DESCRIPTION, _EXAMPLES)
    parser.add_run()
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="options to give again or to change")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the new run in this new folder")
    trusts = "trust the journal: run code that it names, in the folder where the run was started"
    parser.add_argument("--as-before", action="store_true", help=trusts)
    options = parser.parse_intermixed_args(arguments)

    from gradmix.tracking.lookup import find_run

    keep = None if options.keep is None else options.keep.absolute()
    earlier = find_run(options.run, options.runs_dir)
    with tempfile.TemporaryDirectory(prefix="gradmix-") if keep is None else nullcontext(keep) as folder:
        made = repeat(earlier, options.overrides, Path(folder), options.as_before)
        _print(made, keep)
    return 0 if made.is_identical else 1


def repeat(earlier: Path, overrides: Sequence[str], folder: Path, is_trusted: bool = False) -> Reproduction:
    """Make the run of the folder `earlier` again, in `folder`, and compare the two.

    `overrides` give options again. Code in the journal is executed only if they name it or if the journal is trusted.
    """
    from gradmix.cli.working_folder import return_to
    from gradmix.config.trust import check_trust
    from gradmix.interrupts import termination_as_interrupt
    from gradmix.journal.reading import read_run, read_unchanged
    from gradmix.reports.console import make_console
    from gradmix.runs.events import watched_by
    from gradmix.runs.origin import GitState, origin
    from gradmix.runs.remaking import check_same_data, remade
    from gradmix.runs.reproduction import Reproduction
    from gradmix.runs.runner import Order, execute

    given = _given(overrides)
    found = read_unchanged(earlier.absolute())
    home = found.started.get("working_folder")
    with chdir("."):
        if home is not None:
            return_to(Path(home), found.folder, is_trusted, "reproduce", "run")
        git = GitState(Path.cwd())
        spec = remade(found, given)
        if not is_trusted:
            check_trust(spec, overrides)  # a journal may come from a stranger
        _make(folder)
        console = make_console(stderr=True)
        working = console.status(f"repeating {found.label}") if console.is_terminal else nullcontext()
        with termination_as_interrupt(), watched_by(alone=True), working:
            execute(Order(spec, folder, origin=origin(tuple(overrides), git)))
        made = Reproduction(found, read_run(folder))
        check_same_data(made)
    return made


def _given(overrides: Sequence[str]) -> Mapping[str, Any]:
    """Return path of an option → value, for the overrides."""
    from hydra.errors import HydraException

    from gradmix.config.groups import parse

    try:
        parsed = parse(overrides)
    except HydraException as error:
        raise ConfigError(str(error).splitlines()[0]) from None
    if wrong := [each.input_line for each in parsed if each.is_sweep_override() or not each.key_or_group]:
        raise ConfigError(f"{wrong[0]}: give one value, because only one run is reproduced.")
    return {each.key_or_group.replace("/", "."): each.value() for each in parsed}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror}.") from error


def _print(made: Reproduction, keep: Path | None) -> None:
    from gradmix.reports.console import make_console, print_table
    from gradmix.reports.reproduction import rows

    console = make_console()
    print_table(console, rows(made) | ({"kept in": str(keep)} if keep else {}))
