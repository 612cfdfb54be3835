"""The checks of differentiators."""
