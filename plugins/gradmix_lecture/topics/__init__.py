"""The topics: in each module those that belong together."""
