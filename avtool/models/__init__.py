"""The architectures: shared layers, one file an architecture with its builders, and published-weight maps."""
