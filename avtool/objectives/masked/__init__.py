"""Objectives of masked models: reconstruction, contrast of visible patches, a teacher's features."""
