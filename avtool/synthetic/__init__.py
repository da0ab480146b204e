"""Synthetic films with captions and ground truth, for demonstrations and tests that need no network."""
