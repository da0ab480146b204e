"""The tagger's labels of one caption tag: SAM-S's three dimensions, with confidence and rule."""

from dataclasses import dataclass
from typing import Literal

Aspect = Literal["sustained", "abrupt", "unknown"]


@dataclass(frozen=True, slots=True)
class SoundTag:
    """The labels of one tag such as "door slams in distance".

    Attributes:
        sounds: lemmas of what is heard ("slam"); empty for a non-event or an unknown sound.
        sources: lemmas of who or what makes it, as stated in the tag ("door").
        qualities: manner, loudness, distance, technique, start and stop ("in distance").
        aspect: sustained (-ing) or abrupt (third person), by the verb form.
        confidence: 0 to 1, how sure the rule that decided is.
        rule: the identifier of that rule, for `--json` and for debugging a lexicon.
    """

    sounds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    aspect: Aspect = "unknown"
    confidence: float = 0.0
    rule: str = "none"

    @property
    def is_event(self) -> bool:
        """Whether anything at all was understood as a sound event."""
        return bool(self.sounds or self.sources or self.qualities)
