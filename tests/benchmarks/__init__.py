"""Benchmarks: what gradmix is measured against. Run them by `make benchmark`; the test suite does not time anything."""
