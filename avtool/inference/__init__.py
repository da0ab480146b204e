"""Trained models on new files: the predictor, windows, features, timelines."""
