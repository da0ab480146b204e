"""Readers of published datasets and plain folders: one file a layout, all giving the same rows."""
