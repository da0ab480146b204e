"""Benchmarks: data, protocol and published numbers, run end to end."""
