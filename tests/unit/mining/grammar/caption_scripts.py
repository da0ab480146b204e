"""A small film script, and how three captioning styles write it down."""

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

Style = Literal["streaming", "disc", "british"]
STYLES: tuple[Style, ...] = ("streaming", "disc", "british")

SOUNDS = (
    "door slams",
    "dog barking",
    "geese honk",
    "telephone rings",
    "woman screams",
    "man coughing",
    "thunder rumbles",
    "glass shatters",
    "crowd cheering",
    "horse neighs",
    "gunshot",
    "footsteps approaching",
    "bell tolls in distance",
    "car horn honks",
    "engine revving",
    "door opens and closes",
    "laughs",
    "sighs deeply",
    "soft piano music",
)
SENTENCES = (
    "Where have you been?",
    "I never said that, did I?",
    "Look at the sea.",
    "It was a hot day in June.",
    "Well, well, well.",
    "You heard (or dreamed) it.",
    "Meet me at 10:30.",
)
MANNERS = ("softly", "over radio", "in French", "sarcastically")
NAMES = ("PROOG", "EMO", "MARY ANN")


@dataclass(frozen=True)
class Moment:
    """What happens while one cue is shown: sounds, a song, or somebody speaking, or a sound and speech."""

    sounds: tuple[str, ...] = ()
    sentence: str = ""
    speaker: str = ""
    manner: str = ""
    lyric: bool = False
    music: bool = False

    @property
    def expected(self) -> list[tuple[str, bool]]:
        """The text and `lyrics` of the tags that mining should find."""
        if self.lyric:
            return [("singing", True)]
        return [("music", False)] if self.music else [(sound, False) for sound in self.sounds]

    def render(self, style: Style) -> str:
        """The cue as the style writes it."""
        if self.lyric:
            return "# La la, by the sea #" if style == "british" else "♪ La la, by the sea ♪"
        if self.music:
            return "♪♪"
        tags = [_tag(sound, style) for sound in self.sounds]
        spoken = [_speech(self, style)] if self.sentence else []
        return "\n".join(tags + spoken) if style == "british" else " ".join(tags + spoken)


def _tag(sound: str, style: Style) -> str:
    return {"streaming": f"[{sound}]", "disc": f"({sound.upper()})", "british": sound.upper()}[style]


def _manner(manner: str, style: Style) -> str:
    return f"[{manner}] " if style == "streaming" else f"({manner.upper()}) "


def _speech(moment: Moment, style: Style) -> str:
    manner = moment.manner and (
        f"[{moment.manner}] " if style == "streaming" else f"({moment.manner.upper()}) "
    )
    speaker = moment.speaker
    if not speaker:
        label = ""
    elif style == "streaming":
        label = f"[{speaker.title()}] "
    else:
        label = f"{speaker}: "
    return f"{label}{manner}{moment.sentence}"


_spoken = st.builds(
    Moment,
    sentence=st.sampled_from(SENTENCES),
    speaker=st.sampled_from(("", *NAMES)),
    manner=st.sampled_from(("", *MANNERS)),
)
_heard = st.builds(Moment, sounds=st.lists(st.sampled_from(SOUNDS), min_size=1, max_size=2).map(tuple))
_both = st.builds(
    Moment, sounds=st.sampled_from(SOUNDS).map(lambda sound: (sound,)), sentence=st.sampled_from(SENTENCES)
)
moments = st.one_of(_spoken, _heard, _both, st.just(Moment(lyric=True)), st.just(Moment(music=True)))
scripts = st.lists(moments, min_size=1, max_size=12)
