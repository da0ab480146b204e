"""The closed sets of words and the set phrases that the grammar decides by."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from avtool.mining.grammar.records import TagFunction


@cache
def _all_words() -> dict[str, frozenset[str]]:
    text = files("avtool.mining.grammar").joinpath("words.toml").read_text(encoding="utf-8")
    return {name: frozenset(listed.split()) for name, listed in tomllib.loads(text).items()}


def words(name: str) -> frozenset[str]:
    """A closed set of `words.toml`."""
    return _all_words()[name]


MEDIA = (
    r"(?:the )?(?:\w+ )?(?:radios?|phone|telephone|cell phone|tvs?|television|p\.?a\.?(?: system)?|speakers?"
    r"|loudspeakers?|intercom|headset|headphones?|earpiece|walkie-talkie|megaphone|microphone|mic|recording"
    r"|tape|video|monitor|computer|laptop|screen|stereo|answering machine|voicemail|comms?|comlink|line)"
)

CREDIT = re.compile(
    r"""^[\W_]*(?:
      (?:sub(?:title)?s?|captions?|closed[ -]captions?|captioning|captioned|subtitling|subtitled
        |transcript(?:ion)?|transcribed|translation|translated|sync(?:hroni[sz]ation)?|re-?sync(?:ed)?|synced?
        |timing|encoded|ripped|corrected|edited)
        (?:\ (?:and|&)\ \w+)?\ (?:(?:sponsored|provided|performed|made\ possible)\ )?by\b
      |(?:\w+\ )?(?:subtitles|captions|captioning|subtitling)(?:\ by\b|:)
      |downloaded\ from\b|support\ us\ and\b|advertise\ your\ product\b|www\.\S|https?://|visit\ (?:www|http)
      |(?:©|\(c\)|copyright)\ ?\W*(?:19|20)\d\d
      |[a-z]+\ -\ (?:us|uk|ca|au)\ -\ (?:sdh|cc)\W*$
      |[a-z]+\W+(?:sdh|cc)\W*$
    )""",
    re.IGNORECASE | re.VERBOSE,
)
URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)

ON_SCREEN = re.compile(
    r"""\b(?:1[0-9]|20)\d\d\b                                  # a year
      |\b(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|decades?)
        \ (?:later|earlier|ago|before|after)\b
      |^(?:the\ )?(?:next|following|same|previous|other|later\ that)
        \ (?:morning|day|afternoon|evening|night|week|year)$
      |^(?:room|floor|platform|gate|flight|highway|route|apartment|block|sector|level|day|night)\ \w*\d\w*$
      |\b(?:station|airport|hospital|headquarters|courthouse|prison|university|embassy|barracks|boulevard
        |avenue|street|county|province|hotel|laboratory|city|harbor|harbour)$
      |^(?:present\ day|meanwhile|flashback|montage|title\ card|the\ end|fade\ (?:in|out)|to\ be\ continued
        |on[- ]?screen\b.*|(?:caption|sign|text|title)s?:.*|(?:part|chapter|episode|scene)\ \w+)$
      |^\d{1,2}[:.]\d\d\s*(?:a\.?m\.?|p\.?m\.?)?$
      |\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\ \d
      |^(?:on\ )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b""",
    re.IGNORECASE | re.VERBOSE,
)

_CUT = (
    r"(?:begin(?:s|ning)?|starts?(?:ing)?|starting|ends?|ending|stop(?:s|ped|ping)?|pause[sd]?|resum(?:es?|ing)"
    r"|continue[sd]?|conclude[sd]?)(?:\ of)?(?:\ the)?"
)
_NOTED = (
    r"(?:audio|video|transcript(?:ion)?|playback|session|segment|meeting|proceedings|commercial|advert)s?"
)
_PART = (
    r"(?:clip|tape|videotape|film|movie|recording|playback|segment|break|file|track|interview|video|audio)s?"
)
MACHINE_MARKER = re.compile(
    rf"""^[\W_]*(?:
      (?:{_CUT}\ )?{_NOTED}(?:\ {_PART})*(?:\ (?:on|off)|\ {_CUT})?
      |{_CUT}\ (?:{_PART}\ ?)+
      |{_PART}(?:\ {_PART})*(?:\ (?:plays?|playing|played|on|off|{_CUT}))?
      |(?:blank|no|end\ of|missing|lost|silent)[_\ ](?:audio|speech|sound|video|dialogue|text|voice
        |signal|music)(?:\ (?:signal|present|available|detected))?
      |blank|no[_\ ]?speech|nospeech|unk|noise[_\ ]only|non[-_\ ]?speech|foreign
      |speaker[_\ ]?(?:\d+|change)|audio\ description|spk[_\ ]?\d+|cross[-\ ]?talk(?:ing)?
      |technical\ (?:difficulties|problems?)
      |(?:inaudible|unintelligible|indiscernible|phonetic|unclear|unsure|off\ mic|off\ the\ record)
        (?:\ (?:at\ )?[\d:.,\ -]+|\ (?:word|name|phrase|sentence|portion)s?)
      |(?:\d{{1,2}}:)+\d\d(?:\.\d+)?
    )[\W_]*$""",
    re.VERBOSE,
)
_VERBOSE_MEDIA = MEDIA.replace(" ", "[ ]")
MANNER_PHRASE = re.compile(
    rf"""^(?:
      (?:over|on|through|via|from)\ {_VERBOSE_MEDIA}
      |(?:\w+ly\ )?(?:in|with|doing|using)\ .*\b
        (?:voice|accent|tone|falsetto|unison|whisper|manner|impression|style|distance|background)
      |(?:to|at)\ (?:self|himself|herself|themselves|myself|camera|audience|crowd|all|both|others)
      |(?:no|without)\ (?:audio|audible\ \w+|dialogue|voice)
    )$""",
    re.VERBOSE,
)

_SPEAK = (
    r"(?:speak(?:s|ing)?|spoke|talk(?:s|ing)?|convers(?:es|ing)|respond(?:s|ing)?|repl(?:ies|ying)"
    r"|answer(?:s|ing)?|says?|saying|continu(?:es|ing))"
)
_INVENTED = re.compile(rf"^(?:[\w.'’&-]+ ){{0,3}}?{_SPEAK}(?: in)? (?![A-Z][a-z]+ly$)[A-Z][a-z]+$")


@cache
def _spoken_language() -> re.Pattern[str]:
    language = rf"(?:{'|'.join(sorted(words('language')))})"
    tongue = (
        rf"(?:an? |the |his |her |their )?(?:{language}(?:(?: and |, |/){language})*|foreign"
        r"|(?:(?:foreign|native|alien|other|another|unknown|indigenous|local|made-up|fictional|different"
        rf"|non-english|tribal|ancient|{language}) )*(?:languages?|tongues?|dialects?|gibberish))"
    )
    return re.compile(
        rf"^(?:(?:[\w.'’&-]+ ){{0,3}}?{_SPEAK}(?: \w+ly)?(?: in)?|in|with|heavy|thick)? ?{tongue}"
        r"(?: accents?| spoken| dialogue| speech)?(?: indistinctly| quietly| softly)?"
        r"(?: (?:over|on|through|in) .*)?$"
    )


def is_spoken_language(content: str) -> bool:
    """Whether a text is only the name of a spoken language: "speaking French", "in German".

    A capital after a verb in small letters names a language too, known or invented ("speaking Minionese").
    """
    return bool(_spoken_language().match(content.lower()) or _INVENTED.match(content))


CERTAIN = 0.8  # below, the tagger guesses from the shape of some word: then a name or plain words may win


def names_sound(text: str, tag: TagFunction) -> bool:
    """Whether a lower-case text names a sound of the lexicon, rather than a guessed one.

    The unsure part may be the maker, who can be anybody ("proog screams"): one sure word is enough.
    """
    if not tag(text).sounds:
        return False
    return is_certain(text, tag) or any(is_certain(word.strip(".,;:!?'"), tag) for word in text.split())


def names_event(text: str, tag: TagFunction) -> bool:
    """Whether a lower-case text names a sound, what always sounds ("siren"), or a state ("engine starts")."""
    if names_sound(text, tag):
        return True
    found = tag(text)
    if not found.sources or found.confidence < CERTAIN:
        return False
    is_verb = text.endswith(("s", "ing", "ed", "up", "away", "off"))  # "bus stop" is a sign
    return found.rule == "source" or (found.rule == "state" and is_verb)


def is_certain(text: str, tag: TagFunction) -> bool:
    """Whether every word of a text is in the lexicon, and a sound among them."""
    found = tag(text)
    return bool(found.sounds) and found.confidence >= CERTAIN
