"""Ways of learning: a folder each, with its recipe and its task."""
