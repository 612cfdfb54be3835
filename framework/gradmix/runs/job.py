"""One job of Hydra's: from its composed config to a run in a folder of its own. It works in any process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from gradmix.config.code_options import check_code_options
from gradmix.config.spec import RunSpec, read_spec
from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.runs.events import tell_watchers
from gradmix.runs.folder import fresh_folder
from gradmix.runs.journal import FILE_NAME
from gradmix.runs.runner import Outcome, execute


def run_job(config: DictConfig) -> Outcome | GradmixError:
    """Run what a composed config describes.

    Returns
    -------
    Outcome or GradmixError
        How the run ended; an error if it could not even start, because the config is wrong or its folder cannot be
        written. It is returned rather than raised, so that launchers hand it on whole.
    """
    try:
        return _run(config)
    except GradmixError as error:
        tell_watchers("refused", error)
        return error


def _run(config: DictConfig) -> Outcome:
    hydra = HydraConfig.get()
    if hydra.job.chdir:
        raise ConfigError(
            "hydra.job.chdir=true is not for gradmix: runs_dir and data files are named from where you are."
        )
    spec = read_spec(plain_config(config))
    overrides = tuple(hydra.overrides.task)
    if hydra.mode != RunMode.MULTIRUN:
        check_code_options(spec, overrides)
        tell_watchers("settings_known", spec.settings)
        folder = fresh_folder(Path(spec.settings.runs_dir) / spec.settings.name, _slug(spec))
        return execute(spec, folder, overrides=overrides)
    sweep = _sweep(Path(hydra.sweep.dir))
    varying = [override for override in overrides if override.partition("=")[0] in sweep["varies"]]
    label = ", ".join(varying) or spec.label
    return execute(spec, Path(hydra.runtime.output_dir), sweep["run_id"], overrides, label)


def plain_config(config: DictConfig) -> Mapping[str, Any]:
    """A composed config as plain values, every interpolation resolved."""
    task_config = config.copy()
    with open_dict(task_config):
        task_config.pop("hydra", None)  # what Hydra keeps there for itself is not all known yet
    plain = OmegaConf.to_container(task_config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _sweep(folder: Path) -> Mapping[str, Any]:
    """First event of the sweep's own journal."""
    with (folder / FILE_NAME).open(encoding="utf-8") as file:
        return json.loads(file.readline())  # type: ignore[no-any-return]


def _slug(spec: RunSpec) -> str:
    return spec.label.replace(" on ", "-")
