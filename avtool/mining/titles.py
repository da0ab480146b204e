"""Titles of songs and words in quotation marks: what stands in them names no sound.

`"Crying" by Ray O. playing` is a song that plays, and nobody cries; `crowd chanting "Fire!"` is a chant.
"""

import re

SONG = "song"
MAX_LENGTH = 400  # characters of a tag; beyond, nothing is a title

_SINGLE = r"(?:(?<!\w)['‘](?=\w)(?P<single>(?:[^\"“”'‘’\n]|(?<=\w)['’](?=\w)){2,100})['’](?!\w))"
_QUOTED = re.compile(rf"[\"“”„«»‟](?P<double>[^\"“”„«»‟]{{1,120}})[\"“”„«»‟]|{_SINGLE}")
_MARK = "\ue004"  # stands for a title while the words around it are read
_PLAYED = (
    r"(?:play(?:s|ed|ing)?|perform(?:s|ed|ing)?|continu(?:es?|ing)|begin(?:s|ning)?|start(?:s|ing)?"
    r"|stop(?:s|ping)?|end(?:s|ing)?|fad(?:es?|ing)|swell(?:s|ing)?|resum(?:es?|ing)|conclud(?:es?|ing)"
    r"|läuft|laufen|spielt|ertönt|erklingt|joue|joué|résonne|suena|sonando|se escucha"
    r"|blar(?:es?|ing)|blast(?:s|ing)?|boom(?:s|ing)?|com(?:es|ing) on|strik(?:es|ing) up|finish(?:es|ing)?)"
)
_MUSIC = (
    r"(?:music|song|theme(?: (?:song|music|tune))?|tune|melody|ballad|anthem|hymn|aria|carol|lullaby|waltz"
    r"|march|symphony|sonata|concerto|overture|ringtone|record|recording|jingle|soundtrack|track|single)s?"
)
_VOICED = re.compile(
    r"\b(?:s[au]ng|sing(?:s|ing)?|hum(?:s|med|ming)?|whistl(?:es?|ed|ing)|chant(?:s|ed|ing)?|shout(?:s|ed|ing)?"
    r"|yell(?:s|ed|ing)?|call(?:s|ed|ing)?|cr(?:y|ies|ied|ying)|scream(?:s|ed|ing)?|whisper(?:s|ed|ing)?"
    r"|mutter(?:s|ed|ing)?|murmur(?:s|ed|ing)?|mumbl(?:es?|ed|ing)|recit(?:es?|ed|ing)|rap(?:s|ped|ping)?"
    r"|say(?:s|ing)?|exclaim(?:s|ed|ing)?|read(?:s|ing)?|announc(?:es?|ed|ing)|repeat(?:s|ed|ing)?"
    r"|croon(?:s|ed|ing)?|yodel(?:s|ed|ing)?|mouth(?:s|ed|ing)|speak(?:s|ing)?|spoke|laugh(?:s|ed|ing)?"
    r"|sob(?:s|bed|bing)?|groan(?:s|ed|ing)?|moan(?:s|ed|ing)?)\b",
    re.IGNORECASE,
)
_TUNE = re.compile(rf"\b{_MUSIC}\b", re.IGNORECASE)
_OVER = "on|over|through|via|from|im|am|aus|über|à|sur|en"
_PLAYER = (
    r"(?:radio|stereo|speakers?|juke ?box|(?:record|cd|mp3) player|tv|tele\w*|télé\w*|fernseh\w*|phonograph"
    r"|gramophone|headphones?|p\.?a\b|lautsprecher\w*|haut-parleurs?|altavo\w+)"
)
# A title beside nothing but what it is heard from plays too: `"Hound Dog" on radio`.
_MADE = re.compile(
    rf"\b(?:{_PLAYED}|{_MUSIC}|by|von|par|por)\b|^\W*{_MARK}\W* (?:{_OVER}) (?:\w+ )?{_PLAYER}",
    re.IGNORECASE,
)
_LABEL = re.compile(
    rf"^\W*(?P<label>(?:\w+ )?{_MUSIC}|(?:now )?playing)\s*:\s*(?P<rest>\S.*)$", re.IGNORECASE
)
_BY = re.compile(
    rf"\b(?:by|from|von|par|de|por)\s+.+?(?=\s+{_PLAYED}\b|\s+(?:{_OVER})\s|\s*[,;]|$)", re.IGNORECASE
)
_POSSESSOR = re.compile(rf"^[^{_MARK}]*?\w['’]s?\s+(?={_MARK})|(?<=[,;])[^,;{_MARK}]*?\w['’]s?\s+(?={_MARK})")
_ARTIST = re.compile(rf"^(?P<artist>[^:{_MARK}]{{1,60}}):\s*{_MARK}\W*$")
_SPEAKERS = re.compile(
    r"\b(?:m[ae]n|wom[ae]n|boys?|girls?|male|female|voices?|narrator|announcer|all|both|child(?:ren)?)\b",
    re.IGNORECASE,
)
_SMALL = re.compile(r"(?:an?|and|at|by|de|for|from|in|is|of|on|or|the|to|with|la|le|el|y)")

_NAMED = r"[A-Z0-9][\w.&'’-]*"
_MORE = rf"(?: (?:{_NAMED}|{_SMALL.pattern}))"
# Without quotation marks a title needs its artist: "Elvis Presley's Hound Dog playing".
_CREDITED = re.compile(
    rf"^(?:(?:{_NAMED} ){{0,3}}[A-Z0-9][\w.&-]*(?:['’]s|s['’]) {_NAMED}{_MORE}+"
    rf"|{_NAMED}{_MORE}* by (?:the )?{_NAMED}{_MORE}*)"
    rf" (?={_PLAYED}\b)"
)


def without_titles(text: str) -> str:
    """A tag's text with "song" for the title of a song, and without titles and words that a voice utters.

    Quotation marks around anything else are left alone.

    Args:
        text: the words of one tag, in their own case.
    """
    if len(text) > MAX_LENGTH:
        return text
    if label := _LABEL.match(text):
        text = _labelled(label["label"], label["rest"])
    if credited := _CREDITED.match(text):
        return f"{SONG} {text[credited.end() :]}"
    quoted = list(_QUOTED.finditer(text))
    marked = _QUOTED.sub(_MARK, text)
    if not quoted or not any(character.isalpha() for character in marked):
        return text
    without_artist = _POSSESSOR.sub("", _BY.sub("", marked))
    if _VOICED.search(without_artist):
        return " ".join(_QUOTED.sub(" ", text).split())
    titled = _ARTIST.match(marked)
    if titled and not _SPEAKERS.search(titled["artist"]) and all(map(_is_title, quoted)):
        return SONG
    if without_artist == marked and not _MADE.search(marked):
        return text
    song = "" if _TUNE.search(without_artist) else SONG  # "ringtone playing" needs no other word for its tune
    return " ".join(without_artist.replace(_MARK, f" {song} ").split())


def _labelled(label: str, rest: str) -> str:
    """`MUSIC: "Waterloo" by ABBA` without its title; a description (`Music: soft piano`) is kept."""
    if (
        _QUOTED.search(rest)
        or re.search(r"\bby\b", rest, re.IGNORECASE)
        or (not label.isupper() and len(rest.split()) > 1 and _in_title_case(rest))
    ):
        label = re.sub(r"(?i)^(?:now )?playing$", SONG, label)
        played = re.search(rf"\b{_PLAYED}\b", _BY.sub("", _QUOTED.sub(" ", rest)), re.IGNORECASE)
        return f"{label} {played[0]}" if played else label
    return f"{rest} {label}" if not re.search(rf"\b{_MUSIC}\b", rest, re.IGNORECASE) else rest


def _is_title(quoted: "re.Match[str]") -> bool:
    return _in_title_case(quoted["double"] or quoted["single"])


def _in_title_case(words: str) -> bool:
    """Whether all words but the small ones begin with capitals, and no sentence ends: "Over the Hills"."""
    parts = words.split()
    capital = all(part[:1].upper() == part[:1] or bool(_SMALL.fullmatch(part)) for part in parts)
    return capital and not words.rstrip().endswith((".", "?", "!"))
