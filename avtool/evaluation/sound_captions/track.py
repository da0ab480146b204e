"""A caption track as sound cues with labels, and dialogue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from avtool.evaluation.dense_captions.segments import CaptionedSegment
from avtool.media.captions.cue import Captions, Cue
from avtool.mining.caption_language import has_lexicon, language_of
from avtool.mining.grammar.parsing import parse_cues
from avtool.mining.grammar.several import split_tag
from avtool.mining.tagger import Tagger, load_lexicon

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ARTICLES = frozenset(["a", "an", "the"])


@dataclass(frozen=True, slots=True)
class SoundCue:
    """A captioned sound.

    Attributes:
        start, end: seconds of film time.
        text: without brackets, in lower case.
        sounds, sources: the tagger's labels, as lemmas.
    """

    start: float
    end: float
    text: str
    sounds: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    @property
    def segment(self) -> CaptionedSegment:
        """The cue as a captioned segment."""
        return CaptionedSegment(self.start, self.end, self.text)

    def is_same(self, other: "SoundCue") -> bool:
        """Whether two cues caption the same sound: equal lemmas, or one class.

        Cues of one class share a sound and, where both state sources, one of these; cues without a sound
        share a source.
        """
        if lemmas(self.text) == lemmas(other.text):
            return True
        if bool(self.sounds) != bool(other.sounds):
            return False
        if self.sounds and not self.sounds & other.sounds:
            return False
        if self.sources and other.sources:
            return bool(self.sources & other.sources)
        return bool(self.sounds)


@dataclass(frozen=True)
class SoundTrack:
    """A caption track, read.

    Attributes:
        sounds: in time order; a cue of several sounds gives several.
        captions: the cues that hold sounds alone.
        dialogue: the cues with dialogue.
        words: those of the dialogue, in order.
        language: BCP 47, or "".
    """

    sounds: tuple[SoundCue, ...]
    captions: tuple[Cue, ...] = ()
    dialogue: tuple[Cue, ...] = ()
    words: tuple[str, ...] = ()
    language: str = ""


def read_sound_track(captions: Captions, file: Path | None) -> SoundTrack:
    """Separates the sounds of a track from its dialogue, by the grammar of mining; sung words are neither.

    Args:
        captions: the track.
        file: whose name may end in a language; None for a stream.
    """
    language = language_of(captions, file)
    tagger = _tagger(language if has_lexicon(language) else "en")
    parsed = parse_cues(captions.cues, tag=tagger.tag, keep_lyrics=False)
    sounds = []
    for tag in parsed.tags:
        for text in split_tag(tag.text, tagger.tag):
            found = tagger.tag(text)
            sounds.append(
                SoundCue(
                    tag.start_ms / 1000,
                    tag.end_ms / 1000,
                    text,
                    frozenset(found.sounds),
                    frozenset(found.sources),
                )
            )
    kinds = [{piece.kind for piece in pieces} for pieces in parsed.pieces]
    cues = list(zip(captions.cues, kinds, strict=True))
    return SoundTrack(
        tuple(sounds),
        tuple(cue for cue, kind in cues if "tag" in kind and "dialogue" not in kind),
        tuple(cue for cue, kind in cues if "dialogue" in kind),
        tuple(word for span in parsed.dialogue for word in _WORD.findall(span.text.lower())),
        language,
    )


def sound_cues(segments: Sequence[CaptionedSegment], language: str = "en") -> tuple[SoundCue, ...]:
    """Predicted segments, such as those of a submission, as sound cues."""
    tagger = _tagger(language if has_lexicon(language) else "en")
    found = []
    for segment in sorted(segments, key=lambda one: (one.start, one.end)):
        text = segment.sentence.strip().strip("[]()").lower()
        tag = tagger.tag(text)
        found.append(
            SoundCue(segment.start, segment.end, text, frozenset(tag.sounds), frozenset(tag.sources))
        )
    return tuple(found)


@lru_cache(maxsize=1 << 16)
def lemmas(text: str) -> frozenset[str]:
    """The lemmas of a text's words without articles; of several lemmas of a word the shortest."""
    from lemminflect import getAllLemmas

    found = set()
    for word in _WORD.findall(text.lower()):
        if word not in _ARTICLES:
            known = [lemma for lemmas_ in getAllLemmas(word).values() for lemma in lemmas_]
            found.add(min(known, key=lambda lemma: (len(lemma), lemma), default=word))
    return frozenset(found)


@lru_cache(maxsize=1 << 16)
def stems(text: str) -> frozenset[str]:
    """The Snowball stems of a text's words without articles."""
    from snowballstemmer import stemmer

    words = [word for word in _WORD.findall(text.lower()) if word not in _ARTICLES]
    return frozenset(stemmer("english").stemWords(words))


def stem_f1(one: str, other: str) -> float:
    """F1 of the stems of two texts: 2 · shared / (stems of both)."""
    first, second = stems(one), stems(other)
    total = len(first) + len(second)
    return 2 * len(first & second) / total if total else 0.0


@lru_cache(maxsize=8)
def _tagger(language: str) -> Tagger:
    return Tagger(load_lexicon(None, language or "en"))
