"""The phrase of a class of sounds: tables of labels, a column a language."""
