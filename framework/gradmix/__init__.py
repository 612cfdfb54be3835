"""gradmix: experiments on derivatives and mixtures, by plugins, configs and journals.

`differentiator` and `clusterer` make an algorithm by its name. It can be used without a run:

>>> import gradmix
>>> tape = gradmix.differentiator("tape")
>>> tape.gradient(lambda x: x[0] * x[1], [2.0, 5.0])
array([5., 2.])

The other names are for authors of plugins: base classes, option types and hooks.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradmix.notebook import *  # noqa: F403
    from gradmix.public import *  # noqa: F403
else:
    _NOTEBOOK = (
        *("Comparison", "ReproducedRun", "RunResult", "SweepResult"),
        *("compare", "read_run", "read_runs", "reproduce", "run", "sweep"),
    )

    def __getattr__(name):
        """Import the public names at the first use of one, so that `import gradmix` stays fast."""
        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module 'gradmix' has no attribute {name!r}")
        if name in ("arrays", "functions", "testing"):
            return import_module(f"gradmix.{name}")
        if name in _NOTEBOOK:  # plugins never need these, and loading them takes as long as all the rest
            return getattr(import_module("gradmix.notebook"), name)
        public = vars(import_module("gradmix.public"))
        names = [each for each in public if not each.startswith("_")]
        globals().update({"__all__": [*names, *_NOTEBOOK], **{each: public[each] for each in names}})
        if name not in globals():
            raise AttributeError(f"module 'gradmix' has no attribute {name!r}")
        return globals()[name]

    def __dir__():
        return sorted({*globals(), *__getattr__("__all__")})
