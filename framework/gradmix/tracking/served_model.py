"""The MLflow model of a fitted clusterer. Each model's folder has a copy of this script, which MLflow runs."""

from typing import Any

import mlflow
import pandas as pd

import gradmix


class FittedClusterer(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Finds the group of each row and, where the model has them, the probabilities of all groups."""

    def load_context(self, context: Any) -> None:
        """Read the clusterer from the model's folder."""
        self.clusterer = gradmix.read_model(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return ``group``, ``probability_0``, and so on, for rows with the columns of the run's data set."""
        rows = self.clusterer.rows(model_input)
        groups = pd.DataFrame({"group": self.clusterer.fitted("predict")(rows)})
        if hasattr(self.clusterer.model_, "predict_proba"):
            for group, probability in enumerate(self.clusterer.model_.predict_proba(rows).T):
                groups[f"probability_{group}"] = probability
        return groups


mlflow.models.set_model(FittedClusterer())
