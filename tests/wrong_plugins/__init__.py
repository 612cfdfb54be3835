"""Plugins that are wrong on purpose, each with the check that must find it out."""
