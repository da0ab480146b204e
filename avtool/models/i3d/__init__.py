"""I3D: inflated Inception over videos, whose logits the Fréchet video distance compares."""
