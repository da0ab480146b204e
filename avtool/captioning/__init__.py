"""The SDH rules: sound events become well-formed captions, alone or merged with dialogue."""
