"""Journals, the records of runs: write, read, lock and find them. Only this floor knows their format."""
