"""What is checked of any component."""
