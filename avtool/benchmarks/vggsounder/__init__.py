"""VGGSounder: several labels a clip, each heard, seen or both, and models with a modality taken away."""
