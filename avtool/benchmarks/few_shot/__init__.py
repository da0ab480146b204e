"""Few-shot recognition of images by prompts of CLIP: eleven datasets, four protocols."""
