"""The report page of a mined dataset: alignment, counts, and examples to play."""
