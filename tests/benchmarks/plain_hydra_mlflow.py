"""The yardstick: the same jobs as a plain program of `hydra.main` and `mlflow.log_metric`, as in tutorials."""

from dataclasses import asdict, dataclass

import hydra
import mlflow
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

import gradmix


@dataclass
class Config:
    seed: int = 0
    n_components: int = 4
    reg_covar: float = 1e-6
    iterations: int = 100
    store: str = "sqlite:///mlflow.db"


ConfigStore.instance().store(name="config", node=Config)


@hydra.main(version_base="1.3", config_path=None, config_name="config")
def main(config: DictConfig) -> None:
    from gradmix_datasets.old_faithful import OldFaithful

    mlflow.set_tracking_uri(config.store)
    mlflow.set_experiment("plain")
    with mlflow.start_run():
        clusterer = gradmix.clusterer(
            "gmm",
            n_components=config.n_components,
            init_params="random",
            reg_covar=config.reg_covar,
            tol=0.0,
            max_iter=config.iterations,
            random_state=config.seed,
        )
        for name, value in asdict(clusterer).items():
            mlflow.log_param(name, value)
        for iteration in clusterer.iterations(OldFaithful().load().X):
            mlflow.log_metric("log_likelihood", iteration.metrics["log_likelihood"], step=iteration.step)


if __name__ == "__main__":
    main()
