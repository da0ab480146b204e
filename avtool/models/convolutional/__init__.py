"""Convolutional networks over spectrograms: CNN, VGG, and VGG with a modulation spectrum."""
