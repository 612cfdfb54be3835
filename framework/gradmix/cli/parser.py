"""The parser of all commands. Its errors are one line, like the commands' own errors."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import NoReturn

from gradmix.config.user_file import default_runs_dir
from gradmix.contracts.errors import ConfigError

_NAMES = (
    "a folder, a name or its beginning or end, SWEEP/N for the Nth job of a sweep, "
    "a run key or an ID in MLflow or its beginning (six digits or more), or last"
)


class CommandParser(ArgumentParser):
    """A parser of a command line; description and epilog keep their line breaks."""

    def __init__(self, command: str, description: str = "", epilog: str = "", is_hydras: bool = False) -> None:
        super().__init__(
            f"gradmix {command}",
            description=description,
            epilog=epilog,
            formatter_class=RawDescriptionHelpFormatter,
            add_help=not is_hydras,
            allow_abbrev=not is_hydras,
        )

    def error(self, message: str) -> NoReturn:
        """Raise a ConfigError."""
        raise ConfigError(f"{message}. See {self.prog} --help.")

    def add_run(self, nargs: str | None = None) -> None:
        """Add an argument that names a run for `gradmix.tracking.lookup.find_run`."""
        self.add_argument("run", metavar="RUN", nargs=nargs, help=_NAMES)
        self.add_runs_dir()

    def add_what(self, more: str = "") -> None:
        """Add an argument that names sweeps, experiments and runs for `gradmix.tracking.lookup.find_all`."""
        said = f"sweep, experiment or run: {_NAMES}, which is the newest sweep{more and '; '}{more}"
        self.add_argument("what", nargs="*", metavar="WHAT", help=said)
        self.add_runs_dir()

    def add_comparison(self) -> None:
        """Add the arguments that choose runs and how to compare them: ``what``, ``metric``, ``by`` and ``over``."""
        self.add_what()
        for flag, name, does in (
            ("--metric", "NAME", "what to show; the first ranks the runs"),
            ("--by", "KEY", "compare only by these parameters"),
            ("--over", "KEY", "treat these as repeats, like seeds"),
        ):
            self.add_argument(flag, action="extend", nargs="+", default=[], metavar=name, help=does)

    def add_runs_dir(self) -> None:
        """Add the option for the folder of all runs."""
        where = "where the runs are (default: %(default)s)"
        self.add_argument("--runs-dir", default=Path(default_runs_dir()), type=Path, metavar="DIR", help=where)
