"""Jobs of `avtool localize`."""
