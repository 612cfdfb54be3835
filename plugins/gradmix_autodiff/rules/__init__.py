"""Derivative rules, by their subject; `gradmix_autodiff.engine` enters them into the table."""
