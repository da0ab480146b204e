"""Encoders of other libraries: image backbones of timm, and models of transformers."""
