"""Pure functions from arrays of labels and scores to the numbers that papers print."""
