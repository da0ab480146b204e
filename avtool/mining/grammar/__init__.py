"""The grammar of captions: what in a cue is dialogue, what a sound, who speaks, and what is neither."""
