"""Training: the recipe, the loop, and what a run leaves on disk. The recipe alone loads no torch."""
