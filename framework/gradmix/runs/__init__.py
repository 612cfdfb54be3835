"""The fourth floor: runs and their journals."""
