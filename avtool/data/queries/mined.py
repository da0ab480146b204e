"""Events of a dataset, such as one that was mined from films, as label, text and audio queries.

An event is a `label` query by each of its labels and a `text` query by its caption. An `audio` query is the
sound of an event of the same label in another group, never of the film that is searched, and of the same
split: what is tested was never heard in training.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from avtool.core.addresses import is_address
from avtool.core.errors import BadInputError
from avtool.data.manifest import Clip, Manifest, read_manifest
from avtool.data.queries.collector import Collector
from avtool.data.queries.table import QueryRow

_NO_OTHER: Final = "labels of a film that no other film of the split has, for audio queries"
_NO_CAPTION: Final = "events without a caption, for text queries"


@dataclass(frozen=True, slots=True)
class _Event:
    """An event in its film: the row of its segment, and the clip that sounds like it."""

    row: QueryRow
    clip: Clip
    place: int


def convert_dataset(path: Path, collector: Collector) -> None:
    """The events of a dataset.

    Raises:
        BadInputError: it is no dataset.
        CorruptArtifactError: it is damaged.
    """
    if not path.is_dir():
        message = f"`{path}` is no dataset of avtool"
        raise BadInputError(message, "name the form of published annotations: --from ego4d-nlq")
    manifest = read_manifest(path)
    events = [_event(clip, place, manifest) for place, clip in enumerate(manifest, start=1)]
    kinds = collector.options.kinds
    by_label: dict[str, list[_Event]] = {}
    films: dict[str, list[_Event]] = {}
    for event in events:
        films.setdefault(event.row.media, []).append(event)
        for label in _labels(event.clip):
            by_label.setdefault(label, []).append(event)
    for found in films.values():
        labelled = _by_label(found)
        if "label" in kinds:
            _add_labels(labelled, collector)
            _add_absent(found[0], sorted(by_label.keys() - labelled.keys()), collector)
        if "text" in kinds:
            _add_texts(found, collector)
        if "audio" in kinds:
            _add_sounds(labelled, by_label, manifest, collector)


def _event(clip: Clip, place: int, manifest: Manifest) -> _Event:
    extras = clip.extras
    film, start, end = (extras.get(name) for name in ("film", "event_start", "event_end"))
    if film and start is not None and end is not None:
        media, window = str(film), (float(start), float(end))
    else:
        media, window = clip.video.name, (clip.video.start, clip.video.end)
    row = QueryRow(
        "", _path(media, manifest.folder), "label", "", *window, clip.split, clip.group or media,
        video=clip.group if film and clip.group else media, clip=clip.clip_id,
    )  # fmt: skip
    return _Event(row, clip, place)


def _labels(clip: Clip) -> Sequence[str]:
    """All sounds of a mined event, not only those that are classes; the labels of other clips."""
    return tuple(dict.fromkeys(clip.extras.get("sounds") or clip.labels))


def _path(name: str, folder: Path) -> str:
    return name if is_address(name) else str((folder / name).absolute())


def _by_label(events: Sequence[_Event]) -> dict[str, list[_Event]]:
    found: dict[str, list[_Event]] = {}
    for event in events:
        for label in _labels(event.clip):
            found.setdefault(label, []).append(event)
    return found


def _add_labels(labelled: Mapping[str, Sequence[_Event]], collector: Collector) -> None:
    for label, events in labelled.items():
        for event in events:
            _add(event, f"{event.row.video}/label/{label}", "label", label, collector)


def _add_texts(events: Sequence[_Event], collector: Collector) -> None:
    for event in events:
        if text := event.clip.text.strip():
            _add(event, f"{event.row.video}/text/{text.lower()}", "text", text.lower(), collector)
        else:
            collector.skip(_NO_CAPTION)


def _add_absent(event: _Event, labels: Sequence[str], collector: Collector) -> None:
    """Queries of labels that the film lacks."""
    options = collector.options
    drawn = random.Random(f"{options.seed}/{event.row.video}").sample(
        labels, min(options.absent, len(labels))
    )
    for label in drawn:
        query_id = f"{event.row.video}/absent/{label}"
        collector.rows.append(
            replace(event.row, query_id=query_id, query=label, start=0.0, end=0.0, absent=True, clip="")
        )


def _add_sounds(
    labelled: Mapping[str, Sequence[_Event]],
    by_label: Mapping[str, Sequence[_Event]],
    manifest: Manifest,
    collector: Collector,
) -> None:
    options = collector.options
    for label, events in labelled.items():
        film = events[0].row
        others = [
            one
            for one in by_label[label]
            if one.row.group != film.group and one.row.media != film.media and one.row.split == film.split
        ]
        if not others:
            collector.skip(_NO_OTHER)
        draw = random.Random(f"{options.seed}/{film.video}/{label}")
        for number, other in enumerate(draw.sample(others, min(options.audio_queries, len(others)))):
            sound = other.clip.audio
            for event in events:
                _add(
                    event,
                    f"{event.row.video}/audio/{label}/{number}",
                    "audio",
                    _path(sound.name, manifest.folder),
                    collector,
                    query_start=sound.start,
                    query_end=sound.end,
                    query_name=label,
                )


def _add(
    event: _Event, query_id: str, kind: str, query: str, collector: Collector, **values: float | str
) -> None:
    row = replace(event.row, query_id=query_id, kind=kind, query=query, **values)  # type: ignore[arg-type]
    collector.add(row, row.start, row.end, f"row {event.place} of the manifest")
