"""A plugin whose import takes what it does not need yet."""

from dataclasses import dataclass

import pandas

from gradmix_problems.cubic import Cubic


@dataclass
class Heavy(Cubic):
    """A cubic with pandas."""

    def function(self, x):
        return pandas.Series([x**3])[0]
