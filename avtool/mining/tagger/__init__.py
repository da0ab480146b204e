"""Caption tags ("door slams in distance") → sound, source and quality, by a lexicon and a small grammar."""

from avtool.mining.tagger.lexicon import Lexicon, load_lexicon
from avtool.mining.tagger.tagger import Tagger

__all__ = ["Lexicon", "Tagger", "load_lexicon"]
