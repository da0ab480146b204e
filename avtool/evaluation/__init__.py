"""Metrics, protocols, one file a benchmark, and published numbers as data."""
