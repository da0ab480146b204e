"""Metrics: pure functions of arrays of labels and scores."""
