"""Spans of films and sounds: each is decoded once, kept as long as memory allows, and cut many times."""
