"""Prepared functions: the computation of a derivative is recorded once, simplified and emitted as a Python function."""
