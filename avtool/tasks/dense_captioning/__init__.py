"""Dense video captioning: proposals and their captions."""
