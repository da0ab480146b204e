"""Continuations of real clips by a diffusion model, beside the clips that truly follow."""
