"""Prompt tuning of CLIP on a few labelled images: zero-shot, CoOp, CoCoOp, VPT, VLP, DPT."""
