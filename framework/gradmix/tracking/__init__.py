"""The sixth floor: MLflow's view of the journals. Only this floor ever imports MLflow."""
