"""Notebooks from their sources, shipped weights, measured results."""
