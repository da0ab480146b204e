"""The contents of a bracket: a sound, a speaker, a way of speaking, a sign, or ordinary words.

Each rule looks at one bracket in its place and either decides or leaves it to the next; what no rule claims
is a sound, for the tagger to name.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from avtool.mining.grammar.brackets import CORNER, FULL_WIDTH_STAR, ROUND, STAR
from avtool.mining.grammar.cleaning import has_letters, is_capitals
from avtool.mining.grammar.facts import FileFacts, looks_like_name
from avtool.mining.grammar.labels import is_label, is_person, without_medium
from avtool.mining.grammar.records import PieceKind
from avtool.mining.grammar.vocabulary import (
    CREDIT,
    MACHINE_MARKER,
    MANNER_PHRASE,
    ON_SCREEN,
    URL,
    is_spoken_language,
    words,
)
from avtool.mining.sound_tag import SoundTag

_SENTENCE_END = re.compile(r"[.!?…:;♪♫\"”'’»。！？–—-]\W*$")
CONTINUES = re.compile(r"^\s*[a-zß-ÿ,.;!?'’)]")
RUNS_ON = re.compile(r"[\w,]['’]?\s*$")  # the end of a line within a sentence
SENTENCE_INSIDE = re.compile(r"[.!?]\s+[A-Z]|\n\s*[A-Z][a-z]+ [a-z]+ [a-z]+")
_TO_SOMEBODY = re.compile(r"(?:to|at) [A-Z][\w'’.]*$")
_PLAYED = re.compile(r"\b(?:playing|plays|music|song|theme|anthem)\b")


@dataclass(frozen=True, slots=True)
class BracketContext:
    """One bracket, and what stands around it.

    Attributes:
        opener: the opening character.
        content: the words inside, cleaned, in their own case.
        tag: the tagger's labels of them.
        sounds_surely: whether the lexicon has a sound in them, rather than a guess.
        before: the dialogue on the same line that ends where the bracket opens.
        after: the dialogue on the same line that begins where it closes.
        attached: whether a letter or digit touches it, as in "f(x)".
        colon: whether a colon follows at once.
        dialogue_follows: whether somebody speaks on in the same turn.
        sound_follows: whether the next thing in the turn is another bracket, or a lyric.
        has_notes: whether notes stand inside.
        facts: what is known of the whole file.
    """

    opener: str
    content: str
    tag: SoundTag
    sounds_surely: bool
    before: str
    after: str
    attached: bool
    colon: bool
    dialogue_follows: bool
    sound_follows: bool
    has_notes: bool
    facts: FileFacts

    @property
    def text(self) -> str:
        return self.content.lower()

    @property
    def inside_sentence(self) -> bool:
        """Whether the dialogue runs on across the bracket."""
        ended = not self.before or bool(_SENTENCE_END.search(self.before))
        return not ended and bool(CONTINUES.match(self.after))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kind of a bracket, and the rule that decided."""

    kind: PieceKind
    rule: str


Rule = Callable[[BracketContext], Verdict | None]


def notes_inside(bracket: BracketContext) -> Verdict | None:
    """Notes: "[♪♪♪]", "[♪ dramatic music ♪]"."""
    return Verdict("tag", "notes in brackets") if bracket.has_notes else None


def nothing_to_read(bracket: BracketContext) -> Verdict | None:
    """No word inside: "[...]", "(555)", "[1]"."""
    return None if has_letters(bracket.content) else Verdict("dialogue", "ordinary bracket")


def language_code(bracket: BracketContext) -> Verdict | None:
    """Captions in several languages mark their lines: "[en] Hello"."""
    code = bracket.content.split("-")[0]
    known = code in bracket.facts.language_codes or (len(code) == 2 and code in words("language_code"))
    at_line_start = bracket.opener == "[" and not bracket.before
    return Verdict("noise", "language code") if known and at_line_start else None


def citation(bracket: BracketContext) -> Verdict | None:
    """An editor's word, "[sic]", or one cut out of the sentence, "what the [bleep]"."""
    first = bracket.text.split()[0]
    if first in words("citation"):
        return Verdict("noise", "citation")
    spoken = bool(bracket.before or bracket.after)
    return Verdict("noise", "censored word") if first in words("censored") and spoken else None


def machine_marker(bracket: BracketContext) -> Verdict | None:
    """What a program or a transcriber notes: "[BLANK_AUDIO]", "[VIDEO PLAYBACK]", "[END OF TAPE]"."""
    if not MACHINE_MARKER.match(bracket.text):
        return None
    if bracket.dialogue_follows and is_person(bracket.text):
        return None  # "[recording] Leave a message."
    speaks = bracket.text.startswith(("speaker", "spk")) and bracket.dialogue_follows
    return Verdict("label", "bracketed speaker") if speaks else Verdict("noise", "machine marker")


def credit(bracket: BracketContext) -> Verdict | None:
    """Who made the captions: "[Captioned by …]"."""
    written = CREDIT.match(bracket.content) or URL.search(bracket.content)
    return Verdict("noise", "credit") if written else None


def corner_quotes(bracket: BracketContext) -> Verdict | None:
    """「…」 quotes, unless the file keeps its sounds there."""
    if bracket.opener != CORNER or (bracket.facts.corner_sounds and bracket.tag.sounds):
        return None
    return Verdict("dialogue", "ordinary bracket")


def emphasis(bracket: BracketContext) -> Verdict | None:
    """A stressed word: "*never*"; but "*sighs*" is a sound."""
    if bracket.opener not in (STAR, FULL_WIDTH_STAR) or bracket.sounds_surely:
        return None
    sound_alone = bracket.opener == FULL_WIDTH_STAR and not bracket.before and not bracket.after
    return None if sound_alone else Verdict("dialogue", "ordinary bracket")


def aside(bracket: BracketContext) -> Verdict | None:
    """Words of the sentence: "I heard (or dreamed) it.", "any wish(es)", "[He] said"."""
    inside = [word.strip(",") for word in bracket.text.split()]
    openers = words("aside_opener")
    part_of_word = (bracket.attached or bracket.inside_sentence) and not bracket.sounds_surely
    beside_dialogue = bool(bracket.before or bracket.after) and bracket.opener in ROUND
    opened = inside[0] in openers and (bracket.inside_sentence or not bracket.tag.sounds)
    remark = beside_dialogue and (opened or not words("talk").isdisjoint(inside))
    if part_of_word or remark or openers.issuperset(inside):
        return Verdict("dialogue", "ordinary bracket")
    return None


def labelled_with_colon(bracket: BracketContext) -> Verdict | None:
    """A speaker with a colon: "(JOHN):", "[MAN 2:]"."""
    named = looks_like_name(bracket.content) or not bracket.tag.is_event
    named = is_label(bracket.content, bracket.facts) or (named and not bracket.sounds_surely)
    return Verdict("label", "bracketed speaker") if bracket.colon and named else None


def generic_speaker(bracket: BracketContext) -> Verdict | None:
    """A speaker by kind: "[man] Hello."; "[man]" alone is nothing that is heard."""
    if not is_person(bracket.text):
        return None
    if bracket.dialogue_follows or bracket.sound_follows:
        return Verdict("label", "bracketed speaker")
    return None if bracket.tag.is_event else Verdict("noise", "speaker alone")


def named_speaker(bracket: BracketContext) -> Verdict | None:
    """A name before dialogue: "[Terrill] It's important."."""
    known = bracket.text in bracket.facts.names
    caseless = bracket.content.upper() == bracket.content.lower()
    capitals_mean_nothing = bracket.facts.capital_brackets and is_capitals(bracket.content)
    followed = bool(bracket.after) if caseless else bracket.dialogue_follows
    inflected = bracket.tag.aspect != "unknown"  # "[SIGHS] Yes." names nobody, "[Buzz] Yes." does
    sound = bracket.sounds_surely and (inflected or not (bracket.facts.lower_brackets and bracket.after))
    plain = without_medium(bracket.content)
    name = len(plain.split()) <= 3 and looks_like_name(plain) and not sound
    if followed and (known or (name and not (capitals_mean_nothing and bracket.tag.is_event))):
        return Verdict("label", "bracketed speaker")
    if bracket.sound_follows and name and not caseless and not bracket.tag.is_event:
        return Verdict("label", "bracketed speaker")
    return Verdict("noise", "speaker alone") if known and not bracket.sounds_surely else None


def spoken_language(bracket: BracketContext) -> Verdict | None:
    """Which language, not which sound: "[speaking French]", "(in German)"."""
    return Verdict("noise", "spoken language") if is_spoken_language(bracket.content) else None


def manner_of_speech(bracket: BracketContext) -> Verdict | None:
    """The manner of speech: "(softly)", "(over radio)", "(in a high voice)"."""
    if bracket.inside_sentence and has_letters(bracket.after):
        return None
    if MANNER_PHRASE.match(bracket.text) or _TO_SOMEBODY.match(bracket.content):
        return Verdict("noise", "manner of speech")
    parts = bracket.text.split()
    tag = bracket.tag
    manner = all(word in words("manner") or (word.endswith("ly") and len(word) > 4) for word in parts)
    only_quality = len(parts) <= 2 and bool(tag.qualities) and not tag.sources and not tag.sounds
    silent = not bracket.sounds_surely and (manner or only_quality)
    return Verdict("noise", "manner of speech") if silent else None


def put_on_voice(bracket: BracketContext) -> Verdict | None:
    """A voice beside dialogue: "[gruff voice] Hello."; alone it is a sound."""
    beside_dialogue = bool(bracket.before) or bracket.dialogue_follows
    voice = bracket.text.split()[-1] in ("accent", "voice") and beside_dialogue
    return Verdict("noise", "manner of speech") if voice else None


def on_screen_text(bracket: BracketContext) -> Verdict | None:
    """To be read, not heard: "[LONDON, 1942]", "(Two years later)"."""
    dated = any(character.isdigit() for character in bracket.text)  # "March 3" is no marching
    heard = _PLAYED.search(bracket.text) or (bracket.sounds_surely and not dated)
    written = ON_SCREEN.search(bracket.content) and not heard
    sign = is_capitals(bracket.content) and bracket.facts.lower_brackets and not bracket.tag.is_event
    alone = not bracket.before and not bracket.dialogue_follows and not bracket.sound_follows
    return Verdict("noise", "on-screen text") if written or (sign and alone) else None


def stage_direction(bracket: BracketContext) -> Verdict | None:
    """To be seen, not heard: "(John enters)", "(nods)"."""
    parts = bracket.text.split()
    seen = len(parts) <= 5 and not words("stage_verb").isdisjoint(parts[:3]) and not bracket.sounds_surely
    return Verdict("noise", "stage direction") if seen or bracket.text in words("silence") else None


RULES: tuple[Rule, ...] = (
    notes_inside,
    nothing_to_read,
    language_code,
    citation,
    machine_marker,
    credit,
    corner_quotes,
    emphasis,
    on_screen_text,
    spoken_language,
    labelled_with_colon,
    manner_of_speech,
    aside,
    generic_speaker,
    named_speaker,
    put_on_voice,
    stage_direction,
)


def classify(bracket: BracketContext) -> Verdict:
    """The verdict of the first rule that decides."""
    for rule in RULES:
        if verdict := rule(bracket):
            return verdict
    return Verdict("tag", "bracketed sound")
