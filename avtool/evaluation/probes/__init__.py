"""Probes of frozen features: linear classifiers and nearest neighbours."""
