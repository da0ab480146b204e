"""Readers of published data sets and plain folders: one file a layout, all giving the same rows."""
