"""Masked Transformer of dense video captioning (Zhou et al., CVPR 2018)."""
