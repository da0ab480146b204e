"""The demonstration: films made on the spot, mined, learned from, evaluated."""
