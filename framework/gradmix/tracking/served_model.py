"""The model that MLflow serves, a fitted clusterer. MLflow runs this script; the folder of each model has a copy."""

from typing import Any

import mlflow
import pandas as pd

import gradmix


class FittedClusterer(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Finds the group of each row and, where the model has them, the probabilities of all groups."""

    def load_context(self, context: Any) -> None:
        """Read the model."""
        self.clusterer = gradmix.read_model(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Take rows as the run's data set read them; return ``group``, ``probability_0``, and so on."""
        rows = self.clusterer.rows(model_input)
        groups = pd.DataFrame({"group": self.clusterer.fitted("predict")(rows)})
        if hasattr(self.clusterer.model_, "predict_proba"):
            for group, probability in enumerate(self.clusterer.model_.predict_proba(rows).T):
                groups[f"probability_{group}"] = probability
        return groups


mlflow.models.set_model(FittedClusterer())
