"""The tagger's certainty that is required where the form of the text leaves doubt."""

from avtool.mining.grammar.records import TagFunction

CERTAIN = 0.8  # below, the tagger guesses from the shape of some word: then a name or plain words may win


def names_sound(text: str, tag: TagFunction) -> bool:
    """Whether a lower-case text names a sound of the lexicon, rather than a guessed one.

    The unsure part may be the maker, who can be anybody ("proog screams"): one sure word is enough.
    """
    if not tag(text).sounds:
        return False
    return is_certain(text, tag) or any(is_certain(word.strip(".,;:!?'"), tag) for word in text.split())


def is_certain(text: str, tag: TagFunction) -> bool:
    """Whether every word of a text is in the lexicon, and a sound among them."""
    found = tag(text)
    return bool(found.sounds) and found.confidence >= CERTAIN
