"""Dense video captioning: submissions against references, set by set."""
