"""The grammar of captions: what in a cue is dialogue, what a sound, who speaks, and what is neither."""

from avtool.mining.grammar.parsing import parse_cues
from avtool.mining.grammar.records import DialogueSpan, ParsedCaptions, Piece, RawTag

__all__ = ["DialogueSpan", "ParsedCaptions", "Piece", "RawTag", "parse_cues"]
