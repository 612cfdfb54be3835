"""`gradmix.reproduce`: a run made again, and whether its result is the same."""

from __future__ import annotations

import html
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.cli.main import choose_plugins
from gradmix.cli.reproduce import repeat
from gradmix.notebook.naming import find_one
from gradmix.notebook.results import RunResult
from gradmix.reports.reproduction import rows

if TYPE_CHECKING:
    import pandas as pd

    from gradmix.notebook.naming import Named
    from gradmix.runs.reproduction import Reproduction


@dataclass(frozen=True, eq=False)
class ReproducedRun:
    """A run that was made again, as `gradmix.reproduce` returns it; a notebook shows what differs."""

    is_identical: bool
    """Whether the result is the same: to the last bit, or to 1e-9 if versions or the processor differ."""
    differences: pd.DataFrame
    """A row for each value that is not the same to the last bit: ``value``, ``before``, ``now``, the ``difference``
    relative to the larger value or to 1, and whether it is ``allowed``. Empty if all values are equal."""
    changes: Mapping[str, tuple[str, str]]
    """Versions, processor, git commit and options that differ: name → value before, value now."""
    before: RunResult
    """The earlier run."""
    run: RunResult
    """The new run."""
    text: Mapping[str, str]
    """What ``gradmix reproduce`` prints: name → text."""

    def __repr__(self) -> str:
        width = max(map(len, self.text))
        return "\n".join(f"{name:<{width}}  {text}" for name, text in self.text.items())

    def _repr_html_(self) -> str:
        cells = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in self.text.items())
        table = "" if self.differences.empty else self.differences.to_html(max_rows=20, index=False)
        return f"<b>{html.escape(self.text['result'])}</b><table>{cells}</table>{table}"


def reproduce(
    run: Named,
    *overrides: str,
    runs_dir: str | Path = "runs",
    keep: str | Path | None = None,
    as_before: bool = False,
) -> ReproducedRun:
    """Make a run again from its journal and compare the two, as ``gradmix reproduce`` does.

    Parameters
    ----------
    run
        The run, as in `gradmix.read_run`.
    *overrides
        Options to give again or to change, such as ``"dataset.path=moved.csv"``: secrets, paths of data that were
        moved, and code, since a journal may come from a stranger.
    runs_dir
        The folder of the runs.
    keep
        Folder for the new run. Without it, the new run is deleted when its result is no longer in use.
    as_before
        Trust the journal: run the code that it names, in the folder in which the run was started.

    Raises
    ------
    UnknownNameError
        If there is no such run or option.
    ConfigError
        If the run cannot be made again, for example because a plugin is missing.
    StorageError
        If its data have changed, or if the run has no result.

    Examples
    --------
    >>> gradmix.reproduce("last").is_identical  # doctest: +SKIP
    True
    """
    given = choose_plugins([*overrides])
    earlier = find_one(run, Path(runs_dir))
    folder = Path(tempfile.mkdtemp(prefix="gradmix-")) if keep is None else Path(keep).absolute()
    try:
        made = repeat(earlier, given, folder, as_before)
        result = _result(made, folder)
    except BaseException:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if keep is None:
        weakref.finalize(result.run, shutil.rmtree, folder, ignore_errors=True)
    return result


def _result(made: Reproduction, folder: Path) -> ReproducedRun:
    import pandas as pd

    wrong = {each.where for each in made.wrong}
    names = ("value", "before", "now", "difference", "allowed")
    values = [(each.where, each.was, each.now, each.size, each.where not in wrong) for each in made.deviations]
    return ReproducedRun(
        made.is_identical,
        pd.DataFrame(values, columns=list(names)),
        {**made.surroundings, **made.others},
        RunResult(made.before),
        RunResult(made.after),
        rows(made),
    )
