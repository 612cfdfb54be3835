"""The checks of components of any kind."""
