"""Benchmarks that score a `predictions` artifact."""
