"""The zoo: the visual Transformers of a survey as a catalogue, their networks, and what each costs."""
