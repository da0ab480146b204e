"""Distances between real and generated videos: FVD and IS, with their protocol."""
