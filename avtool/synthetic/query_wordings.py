"""Text queries of objects and sounds; some wordings serve the test alone."""

from avtool.synthetic.drawn_objects import Look
from avtool.synthetic.sounds import known_wordings
from avtool.synthetic.synthesis import Rng

_OBJECTS = (
    "a {colour} {shape}",
    "the {colour} {shape} appears",
    "when does the {colour} {shape} move?",
    "where is the {shape} that is {colour}?",
    "a {shape} in {colour} crosses the frame",
    "a {colour} {shape} drifts by",
)
_OBJECTS_HELD_OUT = ("show me the {colour} {shape}", "at what time is a {shape}, a {colour} one, seen?")
_SOUNDS = (
    "{tag}",
    "the sound of {tag}",
    "when is {tag} heard?",
    "{tag} in the background",
    "the moment of {tag}",
)
_SOUNDS_HELD_OUT = ("find the noise of {tag}", "at what time is there {tag}?")


def object_sentence(look: Look, rng: Rng, *, held_out: bool) -> str:
    """A sentence for an object; of the wordings that no training film has, if held out."""
    templates = _OBJECTS_HELD_OUT if held_out else _OBJECTS
    return templates[rng.integers(len(templates))].format(colour=look.colour, shape=look.shape)


def sound_sentence(label: str, rng: Rng, *, held_out: bool) -> str:
    """A sentence for a class of sounds, by its caption wordings; held out as for objects."""
    templates = _SOUNDS_HELD_OUT if held_out else _SOUNDS
    tags = known_wordings(label)
    return templates[rng.integers(len(templates))].format(tag=tags[rng.integers(len(tags))].tag)
