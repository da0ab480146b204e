"""Datasets over the manifest, transforms, and the synthetic film maker."""
