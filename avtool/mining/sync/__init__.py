"""Putting captions in step with a film: speech detection, correlation, splits, and the time map they give."""
