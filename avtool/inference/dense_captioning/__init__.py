"""Captions of films by a masked transformer: features, proposals, sentences."""
