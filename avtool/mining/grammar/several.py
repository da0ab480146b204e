"""Several sounds in one tag: "dog barks; phone rings" is two events, "door opens and closes" is one."""

import re

from avtool.mining.grammar.records import TagFunction
from avtool.mining.sound_tag import SoundTag

_SEPARATOR = re.compile(r"\s*[;,/]\s*")
_JOINT = re.compile(r",?\s+(?:and then|and|then|while|as|&)\s+")
_LEADING_JOINT = re.compile(r"^(?:and then|and|then|while|as|&)\s+")


def split_tag(text: str, tag: TagFunction) -> tuple[str, ...]:
    """The separate events in the text of one tag, each as a text of its own.

    Commas, semicolons and slashes separate where both sides make a sound ("slow, soft music" stays whole).
    "and" and "then" separate only where the second part has a maker of its own ("dog barks and phone rings").
    """
    parts: list[str] = []
    for part in _merge_silent(_SEPARATOR.split(text), _SEPARATOR.findall(text), tag):
        parts += _split_joint(part, tag)
    return tuple(_share_subjects(parts, tag)) if parts else (text,)


def _merge_silent(parts: list[str], separators: list[str], tag: TagFunction) -> list[str]:
    """Joins the parts that make no sound to the part after them, or at the end to the part before.

    A part that adds no label there ("car approaching, dog barking") is dropped.
    """
    merged: list[str] = []
    pending = ""
    for part, separator in zip(parts, [*separators, ""], strict=True):
        if tag(part).sounds:
            whole = pending + part
            whole = part if _same_labels(tag(whole), tag(part)) else whole
            merged.append(_LEADING_JOINT.sub("", whole) if merged or whole == part else whole)
            pending = ""
        else:
            pending += part + separator
    if pending and merged:
        whole = f"{merged[-1]}, {pending}"
        merged[-1] = merged[-1] if _same_labels(tag(whole), tag(merged[-1])) else whole
    return merged or [pending]


def _same_labels(one: SoundTag, other: SoundTag) -> bool:
    return (one.sounds, one.sources, one.qualities) == (other.sounds, other.sources, other.qualities)


def _split_joint(text: str, tag: TagFunction) -> list[str]:
    """Splits at the first "and" between two makers and their sounds."""
    for joint in _JOINT.finditer(text):
        left, right = text[: joint.start()], text[joint.end() :]
        first, second = tag(left), tag(right)
        other_maker = second.sources != first.sources and _subject(right, tag)
        if first.sounds and second.sounds and other_maker:
            return [left, *_split_joint(right, tag)]
    return [text]


def _subject(text: str, tag: TagFunction) -> str:
    """The words before the verb: the longest beginning that names the maker and makes no sound itself."""
    sources = tag(text).sources
    words = text.split()
    for count in range(len(words) - 1, 0, -1):
        beginning = words[:count]
        names_maker = any(word[:3] == source[:3] for word in beginning for source in sources)
        if names_maker and not tag(" ".join(beginning)).sounds:
            return " ".join(beginning)
    return ""


def _share_subjects(parts: list[str], tag: TagFunction) -> list[str]:
    """Gives "closes" the subject of "door opens": a verb in the third person that begins a part has none."""
    shared: list[str] = []
    subject = ""
    for part in parts:
        verb = part.partition(" ")[0]
        lone_verb = tag(verb).aspect == "abrupt" and bool(tag(verb).sounds)
        shared.append(f"{subject} {part}" if subject and lone_verb and not tag(part).sources else part)
        subject = _subject(shared[-1], tag) if tag(shared[-1]).aspect != "sustained" else ""
    return shared
