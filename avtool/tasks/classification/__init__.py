"""Supervised classification of clips."""
