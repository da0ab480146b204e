"""A classifier of the mean spectrum."""
