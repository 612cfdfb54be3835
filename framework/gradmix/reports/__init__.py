"""The sixth floor: what people see of runs."""
