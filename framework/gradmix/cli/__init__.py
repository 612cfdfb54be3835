"""The top floor: the commands."""
