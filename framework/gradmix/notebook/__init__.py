"""The commands as Python functions, which return runs, sweeps and comparisons that notebooks can show."""

from gradmix.notebook.comparing import Comparison as Comparison
from gradmix.notebook.comparing import compare as compare
from gradmix.notebook.comparing import read_runs as read_runs
from gradmix.notebook.reproducing import ReproducedRun as ReproducedRun
from gradmix.notebook.reproducing import reproduce as reproduce
from gradmix.notebook.results import RunResult as RunResult
from gradmix.notebook.results import SweepResult as SweepResult
from gradmix.notebook.results import read_run as read_run
from gradmix.notebook.running import run as run
from gradmix.notebook.running import sweep as sweep
