"""Caption tags ("door slams in distance") → sound, source and quality, by a lexicon and a small grammar."""

from avtool.mining.tagger.lexicon import Lexicon
from avtool.mining.tagger.lexicon_files import LANGUAGES, load_lexicon
from avtool.mining.tagger.sources import coarse_sources, default_sources
from avtool.mining.tagger.tagger import Tagger, tag_texts

__all__ = ["LANGUAGES", "Lexicon", "Tagger", "coarse_sources", "default_sources", "load_lexicon", "tag_texts"]
