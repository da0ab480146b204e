"""Inputs of models, a file a modality: settings, reading, augmentation, and their JSON."""
