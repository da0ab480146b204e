"""Finding a clip again from a damaged copy: distortions, classical fingerprints, votes of windows."""
