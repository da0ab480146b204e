"""Clips in WebDataset shards: plain tar files of many clips each, read front to back or at any place."""
