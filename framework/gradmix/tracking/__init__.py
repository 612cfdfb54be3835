"""The ingester: brings journals into MLflow. Only this package imports MLflow.

It uses `mlflow.MlflowClient`, `mlflow.entities` and `mlflow.exceptions`, which are public. What it knows besides:

- the column ``experiments.artifact_location`` of an SQLite store, read to find a store that was moved, before the
  client opens it (`store`);
- the files of a model's folder, which ``mlflow.pyfunc.save_model`` takes 0.4 s to write for the first model and 9 ms
  for every other, and the tag ``mlflow.log-model.history``, by which a run's page shows the model (`model`, `upload`);
- the tags ``mlflow.parentRunId``, ``mlflow.data.context``, ``mlflow.user``, ``mlflow.source.*`` and
  ``mlflow.note.content``, which MLflow documents (`upload`, `view`);
- the tag ``mlflow.sharedViewState.*`` of an experiment, in which its dashboard saves views of the list of runs
  (`columns`); a version that does not know it ignores it;
- the wording of its errors (`trouble`); one that is not known is shown as it is.
"""
