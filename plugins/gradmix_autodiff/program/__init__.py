"""Prepared functions: what a derivative computes is recorded once, simplified and emitted as one Python function."""
