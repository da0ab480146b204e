"""Sound captions (SDH) of a film against its own: events found and missed, words, times and form."""
