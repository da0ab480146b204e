"""Spans of films and recordings: decoded once, cached in memory, and cropped many times."""
