"""Import a plugin's code without side effects on output and settings, and name the plugin if something goes wrong."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout

import numpy as np

from gradmix.contracts.errors import PluginError
from gradmix.contracts.terminal import visible
from gradmix.interrupts import ctrl_c_noticed

PATIENCE_SECONDS = 2.0
"""If an import takes longer, its plugin is named on standard error while the import goes on."""


@contextmanager
def contained(name: str) -> Iterator[None]:
    """Import code of the plugin `name`.

    Its standard output is redirected to standard error. The working folder and NumPy's handling of floating-point
    errors are restored afterwards. A message names the plugin if its import is slow or ends the process; if the process
    crashes, `faulthandler` shows the file. Raises PluginError if the code raised KeyboardInterrupt without a Ctrl-C.
    """
    slow = threading.Timer(PATIENCE_SECONDS, _say, [f"importing {name} …"])
    slow.daemon = True
    slow.start()
    try:
        with (
            ctrl_c_noticed() as was_pressed,
            _ending_is_noticed(name),
            chdir("."),  # restores the working folder
            redirect_stdout(sys.stderr),
            np.errstate(),
        ):
            yield
    except KeyboardInterrupt:
        if was_pressed():
            raise
        raise PluginError("it raised KeyboardInterrupt") from None
    finally:
        slow.cancel()
        slow.join()


@contextmanager
def _ending_is_noticed(name: str) -> Iterator[None]:
    process, end = os.getpid(), os._exit

    def noticed(status: int) -> None:
        if os.getpid() == process:
            _say(f"gradmix: importing {name} ended the process; leave it out with plugins.block=[{name}].")
        end(status)

    os._exit = noticed  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = end


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr, flush=True)
