"""Protocols of public benchmarks over a classifier's predictions: one file a benchmark."""
