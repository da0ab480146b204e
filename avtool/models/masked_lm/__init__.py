"""Masked language models of transformers, read at the mask by their label words."""
