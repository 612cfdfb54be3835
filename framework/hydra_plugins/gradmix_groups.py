"""Plugins of Hydra: the groups that choose gradmix's sweepers and launcher, and its config sources.

Hydra searches this package for plugins in every process, so this module imports nothing heavy. Other applications that
use Hydra are not affected.
"""

from __future__ import annotations

from hydra.core.config_store import ConfigStore

from gradmix.config.checked_files import CheckedFiles
from gradmix.config.source import ComponentSource

__all__ = ["CheckedFiles", "ComponentSource"]

_CHOICES = {
    ("hydra/launcher", "gradmix"): {"_target_": "gradmix.sweeps.worker_pool.WorkerPool", "workers": 1},
    ("hydra/sweeper", "gradmix"): {"_target_": "gradmix.sweeps.sweeper.Sweeper", "params": {}},
    ("hydra/sweeper", "gradmix_optuna"): {
        "_target_": "gradmix.sweeps.sweeper.OptunaSweeper",
        "params": {},
        "n_trials": 20,
        "batch": 1,
        "metric": None,
        "better": None,
        "sampler": "tpe",
        "seed": 0,
    },
}
for (_group, _name), _node in _CHOICES.items():
    ConfigStore.instance().store(group=_group, name=_name, node=_node, provider="gradmix")
