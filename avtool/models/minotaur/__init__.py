"""MINOTAUR: video grounding from queries of several modalities."""
