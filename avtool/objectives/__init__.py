"""Losses: (model, batch) to a dictionary with `loss` and the scalars to log."""
