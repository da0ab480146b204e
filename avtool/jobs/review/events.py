"""The events that are reviewed, and where each is heard and seen: of a dataset, or of written captions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any, Literal

from avtool.captioning import phrases
from avtool.core.artifact import CARD, read_artifact
from avtool.core.errors import AvtoolError, BadInputError
from avtool.data.dataset import open_dataset
from avtool.data.labels import LABELS, read_classes
from avtool.data.manifest import Manifest
from avtool.data.media_files import Media
from avtool.jobs.review.caption_files import caption_films
from avtool.media.addresses import is_elsewhere
from avtool.media.probe import probe
from avtool.mining.review.decisions import Decision

_SAMS = Path(phrases.__file__).with_name("sams.csv")
DIMENSIONS = ("sounds", "sources", "qualities")
_MOST = 200_000
"""Events that a page is given: it has all of them in memory."""
_MINED = {"film", "film_start", "film_end", "event_start", "event_end", "tag_raw", "sounds"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file in which events are heard, and seen where it has video.

    Attributes:
        path: the file.
        offset: of the file's clock: its time is film time plus this, in seconds.
        begin, end: the film time that it holds, in seconds; inf where the end is not known.
    """

    path: Path
    offset: float = 0.0
    begin: float = 0.0
    end: float = inf


@dataclass(frozen=True, slots=True)
class ReviewEvent:
    """An event as it stands before the review.

    Attributes:
        event_id: unique in the dataset.
        film: its film or recording, for filters.
        source: number of the file in which it is heard.
        start, end: of the event itself, in seconds of the film.
        sounds, sources, qualities: its labels; those of a dataset that was not mined are all `sounds`.
        text: its caption.
        tag: the characters of the caption, by which later decisions find it again.
        rule: the rule of the tagger, or "".
        conf: 0 to 1, how sure the tagger is; None where it is not known.
    """

    event_id: str
    film: str
    source: int
    start: float
    end: float
    sounds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    text: str = ""
    tag: str = ""
    rule: str = ""
    conf: float | None = None


@dataclass(frozen=True)
class ReviewData:
    """What is reviewed.

    Attributes:
        kind: `events` of a dataset, or `captions`.
        path: the dataset, or the folder of captions.
        events: in the order of the dataset.
        sources: the files that they are heard in.
        taxonomy: labels to complete, the most frequent first, by dimension.
    """

    kind: Literal["events", "captions"]
    path: Path
    events: tuple[ReviewEvent, ...]
    sources: tuple[Source, ...]
    taxonomy: Mapping[str, tuple[str, ...]]

    @cached_property
    def by_id(self) -> dict[str, ReviewEvent]:
        """The events by their ids."""
        return {event.event_id: event for event in self.events}

    def origin(self, event_id: str) -> ReviewEvent | None:
        """The event of an id, or the one that a part was split off."""
        return self.by_id.get(event_id) or self.by_id.get(event_id.split("+")[0])

    def is_on(self, event_id: str, decision: Decision) -> bool:
        """Whether a decision is on an event of these, and on the caption that it has now."""
        origin = self.origin(event_id)
        return origin is not None and decision.tag in (None, origin.tag)

    def current(self, event_id: str, decision: Decision | None) -> ReviewEvent:
        """The event with the decisions on it."""
        origin = self.origin(event_id)
        assert origin is not None, event_id
        changes = decision.changes() if decision else {}
        changes.pop("verdict", None)
        return replace(origin, event_id=event_id, **changes)


def film_seconds(source: Source) -> float:
    """The length of the film that a file is, in seconds; inf where that is not known, as of a cut clip."""
    if source.end != inf:
        return inf
    try:
        return probe(source.path).duration_s or inf
    except AvtoolError:
        return inf


def open_review(path: Path) -> ReviewData:
    """The events of a dataset, or the cues of captions that `avtool caption` wrote.

    Raises:
        BadInputError: it is neither, or holds no event, or more than a page can hold.
        CorruptArtifactError: the artifact is damaged.
    """
    if path.is_dir() and (path / CARD).is_file() and read_artifact(path).kind == "predictions":
        data = _of_captions(path)
    else:
        data = _of_dataset(path)
    if not data.events:
        raise BadInputError(f"`{path}` holds no event to review", "mine films, or lower their thresholds")
    return data


def _of_captions(folder: Path) -> ReviewData:
    sources, events = [], []
    for film in caption_films(folder):
        sources.append(Source(film.film))
        for number, cue in film.sound_cues:
            start, end = cue.start_ms / 1000, cue.end_ms / 1000
            name = film.cue_id(number)
            events.append(
                ReviewEvent(name, film.film_id, len(sources) - 1, start, end, text=cue.text, tag=cue.text)
            )
    return ReviewData("captions", folder, tuple(events), tuple(sources), dict.fromkeys(DIMENSIONS, ()))


def _of_dataset(dataset: Path) -> ReviewData:
    manifest = open_dataset(dataset)
    if len(manifest) > _MOST:
        message = f"`{dataset}` has {len(manifest)} events, and a page holds at most {_MOST}"
        raise BadInputError(
            message, "review a Parquet table of some of its rows beside its manifest, with the same columns"
        )
    mined = set(manifest.table.column_names) >= _MINED
    places: dict[Source, int] = {}
    events = []
    for row in manifest.table.to_pylist():
        source = _source_of_mined(row, manifest) if mined else _source(row, manifest)
        place = places.setdefault(source, len(places))
        events.append(_mined_event(row, place) if mined else _plain_event(row, place))
    return ReviewData("events", dataset, tuple(events), tuple(places), _taxonomy(dataset, events))


def _source_of_mined(row: Mapping[str, Any], manifest: Manifest) -> Source:
    """The film where it is at hand, else the clip that was cut from it."""
    film = str(row["film"])
    if not is_elsewhere(film) and (path := manifest.local(Media(film, 0.0, 0.0))).is_file():
        return Source(path)
    path = manifest.local(Media(row["media"], row["start"], row["end"]))
    return Source(path, row["start"] - row["film_start"], row["film_start"], row["film_end"])


def _source(row: Mapping[str, Any], manifest: Manifest) -> Source:
    return Source(manifest.local(Media(row["media"], row["start"], row["end"])))


def _mined_event(row: Mapping[str, Any], source: int) -> ReviewEvent:
    sounds, sources, qualities = (
        tuple(row.get(name) or ()) for name in ("sounds", "sources_stated", "qualities")
    )
    return ReviewEvent(
        row["clip_id"], row["group"], source, row["event_start"], row["event_end"],
        sounds=sounds, sources=sources, qualities=qualities,
        text=row["text"], tag=row["tag_raw"], rule=row.get("rule_id") or "", conf=row.get("conf"),
    )  # fmt: skip


def _plain_event(row: Mapping[str, Any], source: int) -> ReviewEvent:
    return ReviewEvent(
        row["clip_id"], row["group"] or row["split"], source, row["start"], row["end"],
        tuple(row["labels"]), text=row["text"], tag=row["text"],
    )  # fmt: skip


def _taxonomy(dataset: Path, events: Iterable[ReviewEvent]) -> dict[str, tuple[str, ...]]:
    """The dataset's own labels by count; then, for sounds, its classes and the published ones of SAM-S."""
    counts: dict[str, dict[str, int]] = {name: {} for name in DIMENSIONS}
    for event in events:
        for name in DIMENSIONS:
            for label in getattr(event, name):
                counts[name][label] = counts[name].get(label, 0) + 1
    found = {name: sorted(some, key=lambda label: (-some[label], label)) for name, some in counts.items()}
    classes = dataset / LABELS / "classes.csv"
    if classes.is_file():
        found["sounds"] += read_classes(classes)
    if found["sources"] or found["qualities"]:  # a mined dataset
        found["sounds"] += read_classes(_SAMS)
    return {name: tuple(dict.fromkeys(labels)) for name, labels in found.items()}
