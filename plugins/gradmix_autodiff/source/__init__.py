"""Source code transformation: a function's source in, the source of its derivative out, forward and reverse."""
