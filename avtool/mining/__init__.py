"""Caption text to cues to events to synchronised, labelled clips. Never imports torch."""
