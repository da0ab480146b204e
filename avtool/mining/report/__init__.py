"""The page one looks at after mining: how captions met the sound, what was found, and how it sounds."""
