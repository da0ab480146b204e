"""Masked reconstruction: MAE, Audio-MAE, VideoMAE, MAViL."""
