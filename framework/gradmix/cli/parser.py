"""The parser that every command has: its name, a description and examples, each with its own line breaks."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from gradmix.config.user_file import default_runs_dir


def command_parser(command: str, description: str, epilog: str = "") -> ArgumentParser:
    """Make the parser of a command."""
    formatter = RawDescriptionHelpFormatter
    return ArgumentParser(f"gradmix {command}", description=description, epilog=epilog, formatter_class=formatter)


def add_runs_dir(parser: ArgumentParser) -> None:
    """Let a command look for runs in another folder."""
    where = "where the runs are (default: %(default)s)"
    parser.add_argument("--runs-dir", default=Path(default_runs_dir()), type=Path, metavar="DIR", help=where)
