"""From listed clips and what their media hold to the rows of a manifest, and the list of what went wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.manifest import Clip
from avtool.data.prepare.locate import FoundClip
from avtool.data.prepare.media_check import MediaFacts, SpanRule
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.data.readers.source import Source
from avtool.mining.film_split import split_films

SHORTEST = 0.025  # seconds: one window of a spectrogram
_SHOWN = 5

BEYOND = 0.1  # seconds by which a listed end may pass that of the file: rounding, and padding of codecs
ProblemKind = Literal[
    "unreadable", "refused", "outside", "absent", "ambiguous", "beyond", "silent", "damaged"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with a clip, or a line of the source.

    Attributes:
        kind: the medium is `unreadable` or `absent`; the line was `refused`; the clip lies `outside` of its
            file or is shorter than 25 ms; its name is `ambiguous`, several files have it; or it is kept
            although its times reach `beyond` its file, or it is `silent` or `damaged`.
        where: the line that lists it.
        media: its file, or "".
        detail: in words.
    """

    kind: ProblemKind
    where: str
    media: str
    detail: str


def make_rows(
    found: Iterable[FoundClip], facts: Mapping[str, MediaFacts], rule: SpanRule, copies: str
) -> tuple[list[Clip], list[Problem]]:
    """The clips whose media can be used.

    Args:
        found: clips with their files.
        facts: what the files hold, by name.
        rule: how listed times are to be understood.
        copies: the folder of copies inside the dataset.
    """
    rows, problems = [], []
    places: Counter[str] = Counter()
    for item in found:
        fact, where = facts[item.media], item.clip.where
        place = places[item.media]
        places[item.media] += 1
        if fact.error:
            problems.append(Problem("unreadable", where, item.media, fact.error))
            continue
        start, end = rule.resolve(item.span, fact.duration)
        if end - start < SHORTEST:
            least = f"less than {1000 * SHORTEST:g} ms"
            detail = f"{start:g} to {end:g} s of a file of {fact.duration:g} s: {least}"
            problems.append(Problem("outside", where, item.media, detail))
            continue
        if (listed := rule.cut_off(item.span, fact.duration)) > BEYOND:
            times = f"{start:g} to {end + listed:g} s of a file of {fact.duration:g} s"
            detail = f"{times}: the clip ends with the file"
            problems.append(Problem("beyond", where, item.media, detail))
        if place in fact.silent:
            problems.append(Problem("silent", where, item.media, "its audio is digital silence (RMS 0)"))
        if fact.damage and not place:  # once, with the first of its clips
            problems.append(Problem("damaged", where, item.media, "; ".join(fact.damage)))
        media = f"{copies}/{fact.copy}" if fact.copy else item.media
        rows.append(_row(item, media, start, end, fact))
    return rows, problems


def _row(item: FoundClip, media: str, start: float, end: float, fact: MediaFacts) -> Clip:
    clip = item.clip
    return Clip(
        clip.clip_id,
        media,
        round(start, 6),
        round(end, 6),
        clip.split,
        clip.fold,
        clip.labels,
        clip.text,
        clip.group or clip.clip_id,
        {**clip.extras, "has_audio": fact.has_audio, "has_video": fact.has_video},
    )


def check_listed(found: Sequence[FoundClip], source: Source, recipe: PrepareRecipe) -> None:
    """Refuses before any medium is opened what would fail after all of them.

    Raises:
        BadInputError: clips share an id, a label is in no class list, or there are too few groups to divide.
    """
    clips = [item.clip for item in found]
    counts = Counter(clip.clip_id for clip in clips)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        first = repeated[0]
        message = f"{len(repeated)} clip ids stand for several clips, `{first}` for {counts[first]}"
        raise BadInputError(message, "give each clip an id of its own")
    for name, entries in source.classes.items():
        label, times = Counter(entry.label for entry in entries).most_common(1)[0]
        if times > 1:
            raise BadInputError(f"the list of {name} names `{label}` {times} times", "name each class once")
    if recipe.classes and "classes" not in source.classes and source.classes:
        raise BadInputError("--classes does not apply to verbs and nouns", "leave it out")
    known = {entry.label for entries in source.classes.values() for entry in entries}
    foreign = sorted({label for clip in clips for label in clip.labels} - known)
    if known and foreign:
        shown = ", ".join(f"`{label}`" for label in foreign[:_SHOWN])
        message = f"{len(foreign)} labels are not in the class list of this {source.layout} dataset: {shown}"
        raise BadInputError(message, "correct the labels or the list")
    groups = {clip.group or clip.clip_id for clip in clips}
    parts = sum(share > 0 for share in recipe.split or ())
    if len(groups) < parts:
        message = f"{len(groups)} groups (films or recordings) cannot be divided into {parts} parts"
        raise BadInputError(message, "a group is never cut in two: add some, or leave --split out")


def divide(rows: Sequence[Clip], shares: Sequence[float], seed: int) -> list[Clip]:
    """The rows with a new split into train, val and test; a group is never in two of them.

    Raises:
        BadInputError: there are fewer groups than splits.
    """
    splits = split_films(Counter(row.group for row in rows), shares, seed)
    return [replace(row, split=splits[row.group]) for row in rows]


def keep_classes(
    rows: Sequence[Clip], source: Source, number: int | None
) -> tuple[list[Clip], dict[str, tuple[LabelClass, ...]]]:
    """The class lists with their counts, and the rows without the labels of other classes.

    Args:
        rows: the clips.
        source: its class lists are in the dataset's own order; without them classes are sorted by name.
        number: of classes to keep; None for all.

    Returns:
        The rows, without those that lost all of their labels; and the class lists by name.
    """
    lists = dict(source.classes)
    if not lists:
        counts = Counter(label for row in rows for label in row.labels)
        names = sorted(counts)
        if number is not None:
            names = sorted(counts, key=lambda label: (-counts[label], label))[:number]
        lists = {"classes": tuple(LabelClass(name) for name in names)}
    if number is not None and "classes" in lists:
        lists["classes"] = lists["classes"][:number]
        kept = {entry.label for entry in lists["classes"]}
        thinned = [replace(row, labels=tuple(label for label in row.labels if label in kept)) for row in rows]
        rows = [new for new, old in zip(thinned, rows, strict=True) if new.labels or not old.labels]
    return list(rows), {name: _counted(rows, name, entries) for name, entries in lists.items()}


def _counted(rows: Sequence[Clip], name: str, entries: Sequence[LabelClass]) -> tuple[LabelClass, ...]:
    """A class list with the number of clips of each class; verbs are first labels, nouns second ones."""
    part = {"verbs": slice(0, 1), "nouns": slice(1, 2)}.get(name, slice(None))
    counts = Counter(label for row in rows for label in set(row.labels[part]))
    return tuple(replace(entry, count=counts[entry.label]) for entry in entries)
