"""A plugin whose import prints."""

from dataclasses import dataclass

from gradmix_problems.cubic import Cubic

print("hello")


@dataclass
class Loud(Cubic):
    """A cubic that says hello."""
