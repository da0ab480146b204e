"""How well captions are synchronised: generated films, known distortions, and a peer beside us."""

from avtool.benchmarks.caption_sync.evaluate import CaptionSyncResult, evaluate_sync

__all__ = ["CaptionSyncResult", "evaluate_sync"]
