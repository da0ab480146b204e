"""PVDM: an autoencoder of videos as three planes, and a diffusion model of these planes (Yu et al., 2023)."""
