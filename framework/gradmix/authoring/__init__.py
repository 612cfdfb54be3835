"""For authors of plugins: new projects, and the reference of the contracts that plugins can implement."""
