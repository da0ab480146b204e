"""The role of words outside of the lexicon, by their place and by the dictionary."""

from avtool.mining.tagger.dictionary import look_up
from avtool.mining.tagger.lexicon import Part


def guess_unknown(parts: list[Part]) -> None:
    """Gives every unknown word of a clause a role, in place."""
    heads = [index for index, part in enumerate(parts) if part.role == "sound"]
    first_head = heads[0] if heads else len(parts)
    for index, part in enumerate(parts):
        if part.role != "unknown":
            continue
        before = parts[index - 1] if index else None
        if part.word.has("number"):
            _number(before, part)
            continue
        part.is_sure = False
        if index > first_head:
            _after_sound(part, parts[first_head])
        elif index == len(parts) - 1:
            _last(part, before)
        else:
            _before_sound(part, before, parts[index + 1])


def _number(before: Part | None, part: Part) -> None:
    """Numbers separate speakers ("man 2")."""
    part.role = "drop"
    if before is not None and before.is_person:
        before.lemma = f"{before.lemma} {part.word.text}"


def _after_sound(part: Part, head: Part) -> None:
    """An adverb ("laughs giddily"), or the thing that something is done to ("snaps towel")."""
    text = part.word.text
    known = look_up(text)
    if known.is_adverb or text.endswith("ly"):
        part.role, part.lemma = "quality", text
    elif known.is_noun and not head.word.has("voice sound"):
        part.role, part.lemma = "source", known.noun
    else:
        part.role = "drop"


def _before_sound(part: Part, before: Part | None, after: Part) -> None:
    """A manner ("maniacal laughter"), a name ("chewie growls"), or what describes a source ("iron man")."""
    text = part.word.text
    known = look_up(text)
    if before is not None and before.is_person and before.word.has("unknown") and not text.endswith("ly"):
        part.role, part.lemma, part.is_person = "source", f"{before.lemma} {text}", True  # "kylo ren"
        return
    is_participle = known.is_verb and text.endswith(("ing", "ed"))
    noun_follows = after.word.form in {"base", "ing", ""}
    if known.is_adverb or is_participle or (known.is_adjective and (noun_follows or not known.is_noun)):
        part.role, part.lemma = "drop" if after.role == "source" else "quality", text
    else:
        part.role, part.lemma = "source", known.noun if known.is_noun else text
        part.is_person = not known.is_noun


def _last(part: Part, before: Part | None) -> None:
    """The last word of a clause without a sound: a verb after its subject, a manner, or a name."""
    text = part.word.text
    known = look_up(text)
    follows = before is not None and before.role in {"source", "quality"}
    if follows and text.endswith(("ing", "s")) and (known.is_verb or not known.in_dictionary):
        part.role, part.lemma = "sound", known.verb
    elif known.is_adverb or (follows and known.is_adjective and not known.is_noun):
        part.role, part.lemma = "quality", text
    else:
        part.role, part.lemma, part.is_person = "source", text, True
