"""The checks of clusterers."""
