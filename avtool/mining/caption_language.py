"""The language of captions: by their header or stream, the file's name, or their commonest words."""

import re
from collections import Counter
from pathlib import Path

from avtool.media.captions.cue import Captions
from avtool.media.languages import bcp47, is_language
from avtool.mining.tagger import LANGUAGES

# Short words that are frequent in one language and rare in the others.
_COMMON = {
    "en": "the and you that what it's don't i'm this have with of is was we're",
    "de": "der die und ich nicht das ist wir sie ein mir was auf dich wie auch",
    "fr": "je vous les est pas une qui que dans c'est nous pour avec mais ça suis",
    "es": "que los por una está no las pero como muy esto qué para el usted eso",
    "it": "che non per una sono gli della questo perché è hai anche cosa ho mio il",
    "pt": "não que uma você está para com isso eu ele mas meu também são muito os",
    "nl": "het een niet van ik je dat zijn wat maar heb voor deze ook met en",
    "sv": "och jag det inte är som att du har vad för han ett här mig kan",
    "da": "og jeg det ikke er som at du har hvad for han et her mig kan",
    "pl": "nie się to jest że na co jak ale mnie dla tak czy był jestem ma",
    "tr": "bir ve bu ne için ama değil çok ben sen var evet daha gibi kadar",
    "cs": "že se je na co jsem to jak ale není proč tak když jste mám by",
}
_FUNCTION_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_SCRIPTS = {
    "ja": re.compile("[\u3041-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
    "ru": re.compile("[\u0430-\u044f]"),
    "el": re.compile("[\u03b1-\u03c9]"),
    "he": re.compile("[\u05d0-\u05ea]"),
    "ar": re.compile("[\u0620-\u064a]"),
    "th": re.compile("[\u0e01-\u0e5b]"),
    "hi": re.compile("[\u0904-\u0939]"),
}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_MOST_WORDS, _FEWEST_HITS, _MARGIN = 5000, 6, 1.5


def language_of(captions: Captions, file: Path | None) -> str:
    """The language of captions (BCP 47, without region), or "" where it is unknown.

    Args:
        captions: their own statement goes first, their words last.
        file: the caption file, whose name may end in a language (`film.de.srt`); None for a stream.
    """
    stated = bcp47(captions.language) or (_of_name(file) if file else "")
    return (stated or _of_words(captions)).partition("-")[0]


def has_lexicon(language: str) -> bool:
    """Whether the package has words of a language; unknown languages are taken for English."""
    return not language or language in LANGUAGES


def _of_name(file: Path) -> str:
    marks = [mark for mark in file.stem.split(".")[1:] if is_language(mark.partition("-")[0])]
    return bcp47(marks[-1]) if marks else ""


def _of_words(captions: Captions) -> str:
    text = " ".join(cue.text for cue in captions.cues[:1000]).lower()
    for language, script in _SCRIPTS.items():
        if len(script.findall(text)) * 5 > len(text):
            return language
    spoken = [word.replace("’", "'") for word in _WORD.findall(text)[:_MOST_WORDS]]
    hits = Counter(
        {language: sum(map(words.__contains__, spoken)) for language, words in _FUNCTION_WORDS.items()}
    )
    (best, most), (_, second) = hits.most_common(2)
    return best if most >= max(_FEWEST_HITS, _MARGIN * second) else ""
