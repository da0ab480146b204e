"""Encoders of short clips, and the heads that ask them about time.

An encoder is any module with `forward(clips) -> (B, D)` and `out_dim` = D.
"""
