"""MBT: multimodal bottleneck transformers (Nagrani et al., 2021)."""
