"""The ground floor: what a plugin author implements, and the values that flow through a run."""
