"""Sound event detection as DCASE scores it: PSDS, and event-based F1."""
