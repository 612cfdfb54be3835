"""For authors of plugins: new projects, and the reference of what they can implement."""
