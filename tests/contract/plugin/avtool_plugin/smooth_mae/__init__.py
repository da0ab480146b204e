"""An Audio-MAE with a loss of its own."""
