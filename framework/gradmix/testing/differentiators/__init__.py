"""What is checked of a differentiator."""
