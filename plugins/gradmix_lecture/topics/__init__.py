"""The topics; each module contains related ones."""
