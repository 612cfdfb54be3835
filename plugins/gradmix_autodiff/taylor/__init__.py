"""Truncated Taylor series: all derivatives of a function of one variable in one evaluation."""
