"""Synchronisation of captions with a film: speech detection, correlation, splits, and the time map."""
