"""Benchmarks that train models, and so stand above training and evaluation both."""
