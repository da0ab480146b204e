"""Retrieval of clips from distorted copies: distortions, classical fingerprints, votes of windows."""
