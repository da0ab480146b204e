"""Encoders of short clips, and heads for the contrast and the temporal pretext tasks.

An encoder is any module with `forward(clips) -> (B, D)` and `out_dim` = D.
"""
