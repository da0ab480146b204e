"""Captions of given events: a table instead of a model."""
