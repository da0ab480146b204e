"""Reconstructions of an autoencoder of videos: PSNR and R-FVD, beside baselines of equally many numbers."""
