"""Caption synchronisation: generated films, known distortions, and a peer beside ours."""
