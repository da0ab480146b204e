"""Supervised classification of clips: what training changes in a batch, and how clips are scored."""
