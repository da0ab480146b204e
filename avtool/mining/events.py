"""From captioned tags to sound events in film time: labelled, clipped to the film, with a clip window."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from avtool.mining.grammar.records import Doubt, ParsedCaptions, RawTag, TagFunction, TakenFor
from avtool.mining.sound_tag import Aspect, SoundTag

TimeFunction = Callable[[float], float]
DefaultSources = Callable[[Iterable[str]], Sequence[str]]
Reason = Literal["no label", "outside the film"] | TakenFor

UNSYNCHRONISED_CONFIDENCE = 0.8  # times the tagger's confidence, where the captions' times were not checked
SPLIT_TOLERANCE = 0.1  # a cue whose mapped length changes by more than 10 % reaches over a jump


@dataclass(frozen=True, slots=True)
class Event:
    """One sound in a film: a row of the events table. Times are seconds of the film.

    Attributes:
        film_id: the film's name in the dataset.
        event_id: unique within the film and stable: the cue's number, and the tag's number in it.
        start, end: the clip: the event with its collar, no longer than the longest clip.
        start_raw, end_raw: the event itself, as captioned and synchronised, without a collar.
        tag_raw, tag_clean: the characters of the caption, and what the tagger read.
        sounds, sources_stated, qualities, aspect: the tagger's labels.
        sources_default: coarse sources that the sounds imply, where the tag states none.
        speaker: the name that the captions give, or "".
        lyrics: whether it stands for sung words.
        time_source: `cue`, `word` (of captions that time words), `interpolated` (± 0.5 s), `onset` (moved
            to the onset heard) or `review` (moved by a reviewer).
        conf: 0 to 1, how sure labels and times are.
        rule_id: the tagger's rule.
        clip_path: the clip's file, "" until it is cut.
    """

    film_id: str
    event_id: str
    start: float
    end: float
    start_raw: float
    end_raw: float
    tag_raw: str
    tag_clean: str
    sounds: tuple[str, ...]
    sources_stated: tuple[str, ...]
    sources_default: tuple[str, ...]
    qualities: tuple[str, ...]
    aspect: Aspect
    speaker: str
    lyrics: bool
    time_source: str
    conf: float
    rule_id: str
    clip_path: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The stated sources, or what the sounds imply."""
        return self.sources_stated or self.sources_default

    def moved_to(self, onset_s: float, collar: float, max_clip: float) -> "Event":
        """The same event beginning at an onset that was heard, with its length kept."""
        length = self.end_raw - self.start_raw
        start_raw = round(max(0.0, onset_s), 3)
        end_raw = round(start_raw + length, 3)
        start, end = clip_window(start_raw, end_raw, collar, max_clip)
        moved = replace(self, start=start, end=end, start_raw=start_raw, end_raw=end_raw)
        return replace(moved, time_source="onset")


@dataclass(frozen=True, slots=True)
class UntaggedTag:
    """A tag that gave no event, or a text that may name a sound and was taken for something else.

    Attributes:
        tag: the cleaned text.
        count: how often the film has it.
        example: where it first stands: the film, the caption's time, and its characters.
        reason: "no label", "outside the film" where the film is shorter than its captions, or what the text
            was taken for: "on-screen text", "lyrics", "label", "dialogue", "noise".
        rule: the rule of the tagger, or of the grammar, that decided.
    """

    tag: str
    count: int
    example: str
    reason: Reason = "no label"
    rule: str = ""


def clip_window(
    start: float, end: float, collar: float, max_clip: float, film_duration: float = float("inf")
) -> tuple[float, float]:
    """The clip around an event, in seconds: the collar on both sides, at most `max_clip`, inside the film."""
    start, end = start - collar, end + collar
    if end - start > max_clip:
        centre = (start + end) / 2
        start, end = centre - max_clip / 2, centre + max_clip / 2
    return round(max(0.0, start), 3), round(min(film_duration, end), 3)


def build_events(
    parsed: ParsedCaptions,
    tag: TagFunction,
    time_map: TimeFunction,
    film_id: str,
    film_duration_s: float,
    collar: float = 1.0,
    max_clip: float = 10.24,
    default_sources: DefaultSources = lambda _: (),
    synchronised: bool = True,
) -> tuple[list[Event], list[UntaggedTag]]:
    """Labels the tags of one film and puts them on its clock.

    Args:
        parsed: what the cue grammar found.
        tag: the tagger.
        time_map: film seconds of caption seconds.
        film_id: the film's name in the dataset.
        film_duration_s: length of the film's audio; events are clipped to it.
        collar: seconds added on both sides of an event to make its clip.
        max_clip: longest clip in seconds; a longer one is cut around its centre.
        default_sources: the coarse sources that some sounds imply.
        synchronised: whether the captions' times were checked against the audio; if not, `conf` is lower.

    Returns:
        The events in film order; and the tags that gave none and the texts in doubt, the most frequent first.
    """
    events: list[Event] = []
    left_over: list[tuple[RawTag | Doubt, Reason, str]] = [
        (doubt, doubt.taken_for, doubt.rule) for doubt in parsed.doubts
    ]
    numbers: Counter[int] = Counter()
    trust = 1.0 if synchronised else UNSYNCHRONISED_CONFIDENCE
    for raw in parsed.tags:
        numbers[raw.cue_index] += 1
        label = tag(raw.text)
        start, end = _film_times(raw, time_map)
        if not label.sounds and not label.sources:
            left_over.append((raw, "no label", label.rule))
        elif end <= 0 or start >= film_duration_s:
            left_over.append((raw, "outside the film", label.rule))
        else:
            event_id = f"{raw.cue_index + 1:05d}-{numbers[raw.cue_index]}"
            event = _event(raw, label, film_id, event_id, max(0.0, start), min(film_duration_s, end))
            start, end = clip_window(event.start_raw, event.end_raw, collar, max_clip, film_duration_s)
            implied = () if label.sources else tuple(default_sources(label.sounds))
            conf = round(label.confidence * trust, 3)
            events.append(replace(event, start=start, end=end, sources_default=implied, conf=conf))
    events.sort(key=lambda event: (event.start_raw, event.event_id))
    return events, _count_left_over(left_over, film_id)


def _event(raw: RawTag, label: SoundTag, film_id: str, event_id: str, start: float, end: float) -> Event:
    """The event of one tag, its clip as yet without a collar."""
    start, end = round(start, 3), round(end, 3)
    return Event(
        film_id=film_id,
        event_id=event_id,
        start=start,
        end=end,
        start_raw=start,
        end_raw=end,
        tag_raw=raw.raw,
        tag_clean=raw.text,
        sounds=label.sounds,
        sources_stated=label.sources,
        sources_default=(),
        qualities=label.qualities,
        aspect=label.aspect,
        speaker=raw.speaker,
        lyrics=raw.lyrics,
        time_source=raw.time_source,
        conf=label.confidence,
        rule_id=label.rule,
    )


def _film_times(raw: RawTag, time_map: TimeFunction) -> tuple[float, float]:
    """Film seconds of a tag; one that reaches over a jump keeps its length, its start decides."""
    start, end = time_map(raw.start_ms / 1000), time_map(raw.end_ms / 1000)
    length = (raw.end_ms - raw.start_ms) / 1000
    if abs(end - start - length) > SPLIT_TOLERANCE * length:
        end = start + length
    return start, end


def _count_left_over(
    left_over: Sequence[tuple[RawTag | Doubt, Reason, str]], film_id: str
) -> list[UntaggedTag]:
    counts = Counter((found.text, reason, rule) for found, reason, rule in left_over)
    examples: dict[tuple[str, Reason, str], str] = {}
    for found, reason, rule in left_over:
        minutes, seconds = divmod(found.start_ms // 1000, 60)
        clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
        examples.setdefault((found.text, reason, rule), f"{film_id} {clock} {' '.join(found.raw.split())}")
    rows = [UntaggedTag(key[0], count, examples[key], *key[1:]) for key, count in counts.items()]
    return sorted(rows, key=lambda row: (-row.count, row.tag, row.reason, row.rule))
