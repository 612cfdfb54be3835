"""Sparse Jacobians and Hessians: a pattern by tracing, and directions that carry many columns or rows each."""
