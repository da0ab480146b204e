"""Who speaks: hyphens, chevrons and names with a colon at the start of a line."""

import re

from avtool.mining.grammar.canvas import BRACKET_MASK, Canvas, FoundTag
from avtool.mining.grammar.cleaning import has_letters
from avtool.mining.grammar.facts import FileFacts
from avtool.mining.grammar.records import TagFunction
from avtool.mining.grammar.vocabulary import MEDIA, words

_MARK = re.compile(r"\s*(?:>{2,3}|[-–—‐](?![-–—‐\d]))[^\S\n]*(?=\S)")
_INLINE_MARK = re.compile(
    rf"(?<=[.?!…\"”'’♪♫{BRACKET_MASK}])[^\S\n]+[-–—‐][^\S\n]*(?=[^\W\d_]|[\"“♪♫¿¡{BRACKET_MASK}])"
)
_NAME = re.compile(
    rf"(?:[^\S\n]|{BRACKET_MASK})*(?P<name>[^\W_][\w .'’&#/-]{{0,38}}?)\s*(?:{BRACKET_MASK}+\s*)?"
    rf"(?P<colon>：|:(?=$|[\s{BRACKET_MASK}\"“'‘♪♫#]))"
)
_INLINE_NAME = re.compile(r"(?<=[.?!…\"”]) +(?=[^\W\da-z_][^\Wa-z_]+[^:a-z\n]{0,30}:\s)")
_LOWER_PARTS = re.compile(r"^(?:Mc|Mac|O['’]|D['’]|De|de|da|van|von|al-)|['’]?s$|(?<=\d)(?:st|nd|rd|th)$")
_MEDIUM = re.compile(
    rf" (?:on|over|through|via) {MEDIA}$| \(?(?:off|o\.s\.|v\.o\.|off-?screen|voice-?over)\)?$"
    r"|(?<=['’]s) voice$",
    re.IGNORECASE,
)


def without_medium(text: str) -> str:
    """A speaker's name or kind without where the voice comes from: "man on radio", "Bob's voice"."""
    return _MEDIUM.sub("", text)


def is_person(text: str) -> bool:
    """Whether a lower-case text names somebody by nothing but kind and number: "man", "deep male voice 2"."""
    named = re.sub(r"[#&\d]+", " ", without_medium(text.replace("’", "'"))).split()
    nouns = [word.removesuffix("'s") for word in named if word != "and"]
    kinds = words("person")
    return not kinds.isdisjoint(nouns) and kinds.union(words("person_modifier")).issuperset(nouns)


def take_speaker_marks(canvas: Canvas) -> None:
    """Takes the hyphens and chevrons that mark another speaker."""
    for start, end in canvas.lines():
        if not (mark := _MARK.match(canvas.masked, start, end)):
            continue
        marks = [mark, *_INLINE_MARK.finditer(canvas.masked, mark.end(), end)]
        for found in marks:
            canvas.take("label", "speaker mark", *found.span())
            canvas.turns[found.end()] = ""


def take_labels(canvas: Canvas, facts: FileFacts, tag: TagFunction) -> None:
    """Takes "NAME:" at the starts of lines and turns; in capitals also after the end of a sentence."""
    starts = {start for start, _ in canvas.lines()} | set(canvas.turns)
    starts |= {found.end() for found in _INLINE_NAME.finditer(canvas.masked)}
    for start in sorted(starts):
        match = _NAME.match(canvas.masked, start)
        if not match or not has_letters(match["name"]):
            continue
        name = match["name"].strip()
        if _is_vocal(name, tag):  # "SHOUTING: Get out!"
            canvas.add_tag("manner label", FoundTag(*match.span("name"), name.lower(), "caps"))
            canvas.take("label", "label", *match.span("colon"))
        elif name in ("MUSIC", "SONG"):  # 'MUSIC: "Waterloo" by ABBA'
            end = next(line_end for _, line_end in canvas.lines() if line_end >= match.end())
            canvas.add_tag("music label", FoundTag(match.start("name"), end, "music", "music"))
        elif is_label(name, facts):
            canvas.turns[match.start("name")] = name
            if BRACKET_MASK in match[0][match.end("name") - match.start() :]:  # "JOHN (on radio):"
                canvas.take("label", "label", *match.span("name"))
                canvas.take("label", "label", *match.span("colon"))
            else:
                canvas.take("label", "label", match.start("name"), match.end())


def is_label(name: str, facts: FileFacts) -> bool:
    """Whether the words before a colon are a speaker's, and not the start of "a hot new look: …"."""
    folded = name.casefold()
    if folded in facts.names or folded in words("label") or is_person(folded):
        return True
    parts = name.split()
    capital = len(parts) <= 5 and name.upper() != name.lower() and all(map(_is_capital_word, parts))
    return capital and (len(parts) <= 2 or not facts.capital_dialogue)


def _is_capital_word(word: str) -> bool:
    """Whether a word is in capitals, but for the small parts of names: "McGEE", "SMITHs", "2nd"."""
    kernel = _LOWER_PARTS.sub("", word)
    return kernel == kernel.upper()


def _is_vocal(name: str, tag: TagFunction) -> bool:
    """Whether a label in capitals is a manner of speech, in a verb: "WHISPERS", "HE SHOUTS"."""
    if not name.isupper() or not name.endswith(("S", "ING")):
        return False
    return bool(words("vocal_sound").intersection(tag(name.lower()).sounds))
