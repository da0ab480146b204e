"""Protocols: from predictions to the report of a benchmark, one file a kind of labels or folds."""
