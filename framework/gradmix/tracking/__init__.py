"""The ingester: imports journals into MLflow. Only this package imports the library MLflow.

It uses the public modules `mlflow.MlflowClient`, `mlflow.entities` and `mlflow.exceptions`. It also depends on:

- the column ``experiments.artifact_location`` of an SQLite store, read to find a store that was moved, before the
  client opens it (`store`);
- the files in a model's folder, which gradmix writes itself, because ``mlflow.pyfunc.save_model`` takes 0.4 s for the
  first model and 9 ms for each further one (`model`);
- the tag ``mlflow.log-model.history``, without which a run's page does not show its model (`upload`);
- the tags ``mlflow.parentRunId``, ``mlflow.data.context``, ``mlflow.user``, ``mlflow.source.*`` and
  ``mlflow.note.content``, which MLflow documents (`upload`, `view`);
- the tag ``mlflow.sharedViewState.*`` of an experiment, in which the dashboard saves views of the list of runs; a
  version of MLflow that does not know this tag ignores it (`columns`);
- the wording of MLflow's errors; an unknown error is shown unchanged (`trouble`).
"""
