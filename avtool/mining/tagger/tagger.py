"""The tagger: one caption tag in, its labels and the reason for them out."""

from collections.abc import Sequence
from pathlib import Path

from avtool.mining.sound_tag import SoundTag
from avtool.mining.tagger.clause import read_clause
from avtool.mining.tagger.lexicon import Lexicon
from avtool.mining.tagger.lexicon_files import load_lexicon
from avtool.mining.tagger.normalise import normalise
from avtool.mining.tagger.ocr import repair
from avtool.mining.tagger.reading import Reading, join
from avtool.mining.tagger.tokens import read_words, split_clauses

_CACHE_LIMIT = 100_000


class Tagger:
    """Labels caption tags by the lexicon and the grammar; the same text always gets the same labels.

    Args:
        lexicon: the words; the package's own when None.
        fold_men: whether "men" is the lemma "man", as "women" is "woman"; off, as in the SAM-S labels.
    """

    def __init__(self, lexicon: Lexicon | None = None, fold_men: bool = False) -> None:
        self.lexicon = load_lexicon() if lexicon is None else lexicon
        self.fold_men = fold_men
        self._cache: dict[str, SoundTag] = {}

    def tag(self, text: str) -> SoundTag:
        """The labels of one tag, given without brackets, in any case ("door slams in distance")."""
        found = self._cache.get(text)
        if found is None:
            found = self._tag(text)
            if ":" in text and not (found.sounds or found.sources):
                whole = self._tag(text.replace(":", " "))  # "sirens: distant" names no speaker
                found = whole if whole.sounds or whole.sources else found
            if len(self._cache) < _CACHE_LIMIT:
                self._cache[text] = found
        return found

    def _tag(self, text: str) -> SoundTag:
        plain = normalise(text)
        if not plain:
            return SoundTag(rule="empty", confidence=1.0)
        repaired = repair(plain, self.lexicon)
        words = read_words(repaired, self.lexicon)
        if any(word.has("abstract") for word in words):
            return SoundTag(rule="about the captions", confidence=0.9)
        clauses = split_clauses(words)
        reading = join([read_clause(clause, self.lexicon) for clause in clauses])
        return self._result(reading, repaired != plain)

    def _result(self, reading: Reading, is_repaired: bool) -> SoundTag:
        sources = tuple("man" if self.fold_men and name == "men" else name for name in reading.sources)
        return SoundTag(
            sounds=reading.sounds,
            sources=sources,
            qualities=reading.qualities,
            aspect=reading.aspect,
            confidence=round(reading.confidence * (0.9 if is_repaired else 1.0), 3),
            rule=f"{reading.rule}+ocr" if is_repaired else reading.rule,
        )


def tag_texts(texts: Sequence[str], lexicon: Path | None = None) -> list[tuple[str, SoundTag]]:
    """Each text with its labels; surrounding brackets are removed first.

    Args:
        texts: caption tags, such as `[door slams in distance]`.
        lexicon: a TOML file with more words; None for the package's own lexicon.
    """
    tagger = Tagger(load_lexicon(lexicon))
    return [(text, tagger.tag(text.strip().strip("[](){}"))) for text in texts]
