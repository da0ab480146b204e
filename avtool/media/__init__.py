"""Films and captions in and out: probe, decode, cut, encode, read and write captions. Never imports torch."""
