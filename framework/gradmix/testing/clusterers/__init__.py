"""What is checked of a clusterer."""
