"""Which events become a cue: same texts merged, repeats dropped, two sounds joined, rates kept."""

import bisect
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from avtool.captioning.event import Rule, SoundEvent
from avtool.captioning.style import CaptionStyle
from avtool.captioning.text import make_caption, words_of

_MINUTE_MS = 60_000
_MOST_NEIGHBOURS = 100  # that are compared; no film has more sounds in a second


@dataclass(slots=True)
class Sketch:
    """A cue in the making.

    Attributes:
        onset_ms, end_ms: of the event, or of those merged.
        want_ms, earliest_ms, latest_ms: where the cue starts if it can, and between what times it may.
        lines: with brackets.
        score: the best of its events, 0 to 1.
        threshold: from which that event counted as detected.
        members: the numbers of its events; none for `… continues`.
        most_ms: the longest that it may be shown.
    """

    onset_ms: int
    end_ms: int
    want_ms: int
    earliest_ms: int
    latest_ms: int
    lines: tuple[str, ...]
    score: float
    threshold: float
    members: list[int]
    most_ms: int

    @property
    def num_chars(self) -> int:
        """Characters to read."""
        return sum(map(len, self.lines))


@dataclass(slots=True)
class Ledger:
    """The text of each event, and the rules that were applied to it, by the event's number."""

    texts: list[str]
    rules: list[list[Rule]] = field(default_factory=list)

    def note(self, members: Iterable[int], rule: Rule) -> None:
        """Notes a rule for some events, each rule once."""
        for member in members:
            if rule not in self.rules[member]:
                self.rules[member].append(rule)


def milliseconds(seconds: float) -> int:
    """Seconds in whole milliseconds, halves up."""
    return math.floor(1000 * seconds + 0.5)


def reading_ms(num_chars: int, style: CaptionStyle) -> int:
    """How long a cue of so many characters has to be shown at least."""
    return max(math.ceil(1000 * style.min_duration - 1e-6), math.ceil(1000 * num_chars / style.cps - 1e-6))


def sketch_cues(
    events: Sequence[SoundEvent],
    style: CaptionStyle,
    language: str,
    film_ms: int | None,
    described: Collection[SoundEvent] = (),
) -> tuple[list[Sketch], Ledger]:
    """The cues that a film's events need, before dialogue and neighbours are looked at.

    Args:
        events: in the order of their starts.
        style: the rules.
        language: of the phrases (BCP 47).
        film_ms: duration of the film, or None.
        described: events that the dialogue track describes itself.
    """
    ledger = Ledger([""] * len(events), [[] for _ in events])
    sketches = _merged(_one_each(events, style, language, film_ms, ledger, described), style, ledger)
    sketches = _without_repeats(sketches, style, ledger)
    sketches = _sustained(sketches, style, language, ledger)
    sketches = _joined(sketches, style, ledger)
    return _at_rate(sketches, style, ledger), ledger


def _one_each(
    events: Sequence[SoundEvent],
    style: CaptionStyle,
    language: str,
    film_ms: int | None,
    ledger: Ledger,
    described: Collection[SoundEvent],
) -> list[Sketch]:
    found = []
    most_ms = milliseconds(style.max_duration)
    for number, event in enumerate(events):
        caption = make_caption(event.phrase, style, language)
        if caption is None:
            ledger.note([number], Rule.NO_TEXT)
            continue
        ledger.texts[number] = caption.text
        onset_ms, end_ms = milliseconds(event.start), milliseconds(event.end)
        end_ms = end_ms if film_ms is None else min(end_ms, film_ms)
        if end_ms < 0 or onset_ms >= (film_ms or onset_ms + 1):
            ledger.note([number], Rule.OUTSIDE)
            continue
        if event in described:
            ledger.note([number], Rule.DESCRIBED)
            continue
        if caption.shortened:
            ledger.note([number], Rule.SHORTENED)
        window = _window(onset_ms := max(0, onset_ms), style)
        found.append(
            Sketch(onset_ms, end_ms, *window, caption.lines, event.score, event.threshold, [number], most_ms)
        )
    return found


def _window(onset_ms: int, style: CaptionStyle) -> tuple[int, int, int]:
    """Where a cue wants to start, and between what times it may."""
    shift_ms = milliseconds(style.shift)
    return max(0, onset_ms - milliseconds(style.lead)), max(0, onset_ms - shift_ms), onset_ms + shift_ms


def _merged(sketches: Sequence[Sketch], style: CaptionStyle, ledger: Ledger) -> list[Sketch]:
    """One sketch for events of the same text with short gaps."""
    found: list[Sketch] = []
    last: dict[tuple[str, ...], Sketch] = {}
    gap_ms = milliseconds(style.merge_gap)
    for sketch in sketches:
        before = last.get(sketch.lines)
        if before is None or sketch.onset_ms - before.end_ms > gap_ms:
            last[sketch.lines] = sketch
            found.append(sketch)
            continue
        ledger.note([before.members[0], *sketch.members], Rule.MERGED)
        before.members += sketch.members
        before.end_ms = max(before.end_ms, sketch.end_ms)
        if sketch.score > before.score:
            before.score, before.threshold = sketch.score, sketch.threshold
    return found


def _without_repeats(sketches: Sequence[Sketch], style: CaptionStyle, ledger: Ledger) -> list[Sketch]:
    """The sketches without texts that were shown a moment ago, unless they are surer than their threshold.

    With `resume_within`, a sustained sound that resumes after a pause has no other cue for a while, however
    sure.
    """
    found = []
    shown: dict[tuple[str, ...], Sketch] = {}
    ends: dict[tuple[str, ...], int] = {}
    within_ms = milliseconds(style.repeat_within)
    for sketch in sketches:
        last = shown.get(sketch.lines)
        if last is not None and _resumes(last, ends[sketch.lines], sketch, style):
            ledger.note(sketch.members, Rule.RESUMED)
            ends[sketch.lines] = sketch.end_ms
            continue
        is_sure = sketch.score >= sketch.threshold + style.repeat_margin - 1e-9
        if last is not None and sketch.onset_ms - last.end_ms < within_ms and not is_sure:
            ledger.note(sketch.members, Rule.REPEATED)
            continue
        shown[sketch.lines] = sketch
        ends[sketch.lines] = sketch.end_ms
        found.append(sketch)
    return found


def _resumes(last: Sketch, end_ms: int, sketch: Sketch, style: CaptionStyle) -> bool:
    """Whether a sound continues a sustained one, whose cue was `last` and which was heard until `end_ms`."""
    if not style.resume_within or last.end_ms - last.onset_ms <= milliseconds(style.sustained_after):
        return False
    pause_ms, since_ms = sketch.onset_ms - end_ms, sketch.onset_ms - last.onset_ms
    return pause_ms < milliseconds(style.repeat_within) or since_ms < milliseconds(style.resume_within)


def _sustained(
    sketches: Sequence[Sketch], style: CaptionStyle, language: str, ledger: Ledger
) -> list[Sketch]:
    """Long events: a short cue at the onset, and `… continues` at intervals where the style has them."""
    found = []
    every_ms = milliseconds(style.continues_every)
    for sketch in sketches:
        if sketch.end_ms - sketch.onset_ms <= milliseconds(style.sustained_after):
            found.append(sketch)
            continue
        ledger.note(sketch.members, Rule.SUSTAINED)
        sketch.most_ms = min(sketch.most_ms, milliseconds(style.sustained_duration))
        found.append(sketch)
        text = " ".join(sketch.lines).removeprefix(style.opening).removesuffix(style.closing)
        again = make_caption(f"{text} {words_of(language).continues}", style, language)
        if every_ms and again is not None and not again.shortened:
            onsets = range(
                sketch.onset_ms + every_ms, sketch.end_ms - reading_ms(len(again.text), style), every_ms
            )
            for onset in onsets:
                want, earliest, latest = _window(onset, style)
                times = {"onset_ms": onset, "want_ms": want, "earliest_ms": earliest, "latest_ms": latest}
                found.append(replace(sketch, lines=again.lines, members=[], **times))
    return sorted(found, key=lambda sketch: sketch.onset_ms)


def _joined(sketches: Sequence[Sketch], style: CaptionStyle, ledger: Ledger) -> list[Sketch]:
    """Different texts at one time as two lines of one cue, the earlier first; of three the two surest."""
    found = []
    done = [False] * len(sketches)
    for index, first in enumerate(sketches):
        if done[index]:
            continue
        group = [first]
        for later in range(index + 1, min(len(sketches), index + _MOST_NEIGHBOURS)):
            if sketches[later].earliest_ms > first.latest_ms:
                break
            if not done[later] and _are_one(first, sketches[later], style):
                done[later] = True
                group.append(sketches[later])
        found.append(_in_two_lines(group, style, ledger))
    return found


def _are_one(one: Sketch, other: Sketch, style: CaptionStyle) -> bool:
    """Whether two different texts overlap by so much that they are one cue."""
    if one.lines == other.lines or other.earliest_ms > one.latest_ms:
        return False
    if len(one.lines) + len(other.lines) > style.max_lines:
        return False
    chars = one.num_chars + other.num_chars
    if reading_ms(chars, style) > min(one.most_ms, other.most_ms):
        return False
    ends = [max(each.end_ms, each.onset_ms + reading_ms(each.num_chars, style)) for each in (one, other)]
    shared = min(ends) - other.onset_ms
    return shared >= style.overlap * min(ends[0] - one.onset_ms, ends[1] - other.onset_ms)


def _in_two_lines(group: Sequence[Sketch], style: CaptionStyle, ledger: Ledger) -> Sketch:
    surest, *others = sorted(group, key=lambda sketch: -sketch.score)
    pairs = (sorted([surest, sketch], key=lambda sketch: sketch.onset_ms) for sketch in others)
    pair = next(((one, other) for one, other in pairs if _are_one(one, other, style)), (surest, surest))
    for sketch in group:
        if not any(sketch is kept for kept in pair):
            ledger.note(sketch.members, Rule.CROWDED)
    one, other = pair
    if one is other:
        return surest
    ledger.note([*one.members, *other.members], Rule.JOINED)
    return Sketch(
        onset_ms=one.onset_ms,
        end_ms=max(one.end_ms, other.end_ms),
        want_ms=max(one.want_ms, other.earliest_ms),
        earliest_ms=other.earliest_ms,
        latest_ms=one.latest_ms,
        lines=(*one.lines, *other.lines),
        score=max(one.score, other.score),
        threshold=min(one.threshold, other.threshold),
        members=[*one.members, *other.members],
        most_ms=min(one.most_ms, other.most_ms),
    )


def _at_rate(sketches: Sequence[Sketch], style: CaptionStyle, ledger: Ledger) -> list[Sketch]:
    """The surest sketches that keep the least interval and the most cues a minute."""
    kept: list[int] = []
    chosen = []
    for sketch in sorted(sketches, key=lambda sketch: (-sketch.score, sketch.want_ms)):
        shown = sketch if _fits(sketch.want_ms, kept, style) else _delayed(sketch, kept, style, ledger)
        if shown is None:
            ledger.note(sketch.members, Rule.RATE)
            continue
        bisect.insort(kept, shown.want_ms)
        chosen.append(shown)
    return sorted(chosen, key=lambda sketch: sketch.want_ms)


def _fits(want_ms: int, kept: Sequence[int], style: CaptionStyle) -> bool:
    """Whether one more cue then keeps the rates."""
    place = bisect.bisect_left(kept, want_ms)
    near = kept[max(0, place - style.per_minute) : place + style.per_minute]
    interval_ms = milliseconds(style.interval)
    is_apart = all(abs(start - want_ms) >= interval_ms for start in near)
    return is_apart and not _is_full(sorted([*near, want_ms]), style.per_minute)


def _delayed(sketch: Sketch, kept: Sequence[int], style: CaptionStyle, ledger: Ledger) -> Sketch | None:
    """A sustained sound after the cue that its onset is too near to, if it is then still heard; or None."""
    if not sketch.members or Rule.SUSTAINED not in ledger.rules[sketch.members[0]]:
        return None
    interval_ms = milliseconds(style.interval)
    place = bisect.bisect_left(kept, sketch.want_ms + interval_ms)
    if not place or kept[place - 1] <= sketch.want_ms - interval_ms:
        return None  # the minute is full
    onset_ms = kept[place - 1] + interval_ms
    if onset_ms + reading_ms(sketch.num_chars, style) > sketch.end_ms or not _fits(onset_ms, kept, style):
        return None
    ledger.note(sketch.members, Rule.DELAYED)
    latest_ms = onset_ms + milliseconds(style.shift)
    return replace(sketch, onset_ms=onset_ms, want_ms=onset_ms, earliest_ms=onset_ms, latest_ms=latest_ms)


def _is_full(starts: Sequence[int], most: int) -> bool:
    """Whether more than `most` of these lie in some minute."""
    return any(b - a < _MINUTE_MS for a, b in zip(starts, starts[most:], strict=False))
