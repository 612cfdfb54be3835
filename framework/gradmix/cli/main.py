"""The command ``gradmix``: a table of its commands. A command's module is imported only when the command is used."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from gradmix.contracts.errors import GradmixError, did_you_mean
from gradmix.contracts.terminal import visible

COMMANDS = {
    "run": "run an experiment, or a sweep with -m; a Hydra application: see gradmix run --help",
    "resume": "finish a sweep: run its missing and failed jobs, with any launcher",
    "sync": "import the journals that MLflow is missing",
    "runs": "list runs, newest first, with differing options, main metric and status",
    "show": "describe one run: status, options, metrics or error; with --picture, draw it",
    "rm": "delete runs and sweeps, on disk and in MLflow",
    "reproduce": "rerun a run from its journal, and check whether the result is identical",
    "compare": "rank runs, with differences and confidence intervals, as a table or a page",
    "export": "write a comparison or its runs for a paper: LaTeX, Markdown, CSV, Parquet, SVG, PDF",
    "derive": "print the derivative of a function as Python source code",
    "plugins": "list all components, broken ones included; with a name, document that one",
    "new": "write a working plugin to start from: an installable project or a single file",
    "check": "check that a component keeps its contract; shows what failed and how to reproduce it",
    "ui": "open MLflow's dashboard on the local store",
}
"""Command → description. Each command is a module of this package; its ``main(arguments)`` returns the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit code.

    0: success. 1: a run failed. 2: the command line or the config is invalid. 130: interrupted by Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help"):
        print(_help())
        return 0
    if command == "--version":
        from importlib.metadata import version

        print(visible(f"gradmix {version('gradmix')}"))
        return 0
    if command == "-sc":
        return _complete(arguments)
    if command not in COMMANDS:
        problem = f"gradmix: unknown command {command!r}.{did_you_mean(command, COMMANDS)}\n\n{_help()}"
        print(visible(problem), file=sys.stderr)
        return 2
    try:
        return _run(command, arguments[1:])
    except BrokenPipeError:  # the reader of the output has ended, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except GradmixError as error:
        print(visible(f"gradmix {command}: {error}"), file=sys.stderr)
        return 2
    except OSError as error:
        where = error.filename or "a file"
        print(visible(f"gradmix {command}: cannot read or write {where}: {error.strerror or error}."), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _run(command: str, arguments: list[str]) -> int:
    """Run a command with the plugins that the command line chooses."""
    faulthandler.enable(2)  # if a plugin crashes the process, the stack shows it
    others = choose_plugins(arguments, must_load=command != "plugins")  # `plugins` lists broken ones, too
    keeps_them = command in ("run", "resume")  # passed on to Hydra, so that the journal records them
    return int(import_module(f"gradmix.cli.{command}").main(arguments if keeps_them else others))


def choose_plugins(arguments: list[str], must_load: bool = True) -> list[str]:
    """Apply the choice of plugins in the command line and in the user's file; return the other arguments.

    Raises ConfigError if a plugin does not exist, or if a plugin file in the command line cannot be used.
    """
    from gradmix.config.user_file import plugin_arguments
    from gradmix.registry.choice import VARIABLE, choose, chosen
    from gradmix.registry.registry import registry

    if VARIABLE not in os.environ:
        choose(plugin_arguments())
    others = choose(arguments)
    chosen().plugins()
    if others != arguments and must_load:
        registry().check_files()
    return others


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {does}" for name, does in COMMANDS.items())
    return f"""\
usage: gradmix COMMAND [arguments]

Compare automatic-differentiation and clustering algorithms: plugins, configs, journals, MLflow.

{commands}

See gradmix COMMAND --help. Tab completion: eval "$(gradmix run -sc install=bash)\""""


def _complete(arguments: list[str]) -> int:
    """Answer the shell's request for completion: with the commands, or for ``run`` with Hydra's answer."""
    words = os.environ.get("COMP_LINE", "").split(" ")
    if len(words) <= 2:
        print(" ".join(COMMANDS))
        return 0
    if words[1] == "run":
        os.environ["COMP_LINE"] = " ".join([words[0], *words[2:]])
        return int(import_module("gradmix.cli.run").main(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
