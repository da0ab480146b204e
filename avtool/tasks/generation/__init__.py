"""PVDM: an autoencoder of clips, and a diffusion model of its latents (Yu et al., 2023)."""
