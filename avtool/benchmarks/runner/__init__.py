"""The benchmark runner: data, folds, models, predictions, report."""
