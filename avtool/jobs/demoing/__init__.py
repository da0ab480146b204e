"""The steps of `avtool demo`."""
