"""Torch transforms of batches: waveforms to log-mel spectrograms, padding, scaling, augmentation."""
