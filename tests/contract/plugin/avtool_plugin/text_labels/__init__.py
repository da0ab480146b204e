"""A classifier of texts."""
