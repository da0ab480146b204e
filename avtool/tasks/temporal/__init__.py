"""Audio-visual temporal contrast (after Jenni et al., 2023)."""
