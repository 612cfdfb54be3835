"""The sixth floor: reports on runs for users."""
