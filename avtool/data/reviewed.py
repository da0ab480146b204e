"""A dataset's clips after a review: without the rejected, with corrected labels and times."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.manifest import Manifest
from avtool.mining.review.decisions import Decision
from avtool.mining.review.journal import read_review

_SHORTEST = 0.1  # seconds of a clip that are left of it
_MINE_AGAIN = "`avtool mine-subtitles --review` cuts the clips again"


def reviewed(
    manifest: Manifest, review: Path, reporter: Reporter, classes: Sequence[str] | None = None
) -> Manifest:
    """The clips with the decisions of a review applied.

    Rows of a mined dataset have the event's borders beside the clip's: their clips keep their collar, and
    stay inside the file that was cut. Parts that were split off become rows of their own.

    Args:
        manifest: the clips.
        review: a journal of `avtool review`.
        reporter: gets the counts, and what could not be applied.
        classes: the class list: a mined event's labels are those of its sounds that are in it. None takes
            all.

    Raises:
        BadInputError: there is no such file, or no clip is left.
        CorruptArtifactError: it is damaged.
    """
    decisions = read_review(review)
    ids = manifest.column("clip_id")
    places = {name: place for place, name in enumerate(ids)}
    work = _Rows(manifest, classes)
    for name, decision in decisions.items():
        origin = name if name in places else name.split("+")[0]
        if origin not in places or (origin != name and not decision.parent):
            work.stale += 1
        else:
            work.decide(places[origin], name, decision)
    if work.stale:
        reporter.warn(f"{work.stale} decisions of `{review}` are on other clips or captions: not applied")
    if work.cut:
        reporter.warn(f"{work.cut} moved events reach out of their cut clips: {_MINE_AGAIN}")
    if work.unknown:
        names = ", ".join(f"`{label}`" for label in sorted(work.unknown)[:5])
        reporter.warn(f"labels of reviewers that are not in the class list are not used: {names}")
    reporter.info(
        f"review: {len(decisions)} events decided, {work.rejected} clips rejected, {work.changed} changed"
    )
    if len(work.dropped) == len(ids) and not work.added:
        raise BadInputError(f"`{review}` rejects every clip of `{manifest.origin}`", "review them again")
    return work.manifest()


class _Rows:
    """The rows of a manifest that decisions change, drop and add."""

    def __init__(self, manifest: Manifest, classes: Sequence[str] | None) -> None:
        self._manifest = manifest
        self._classes = None if classes is None else set(classes)
        self._mined = {"event_start", "event_end", "sounds"} <= set(manifest.table.column_names)
        self._replaced: dict[int, dict[str, Any]] = {}
        self.added: list[tuple[int, dict[str, Any]]] = []
        self.dropped: set[int] = set()
        self.rejected = self.changed = self.stale = self.cut = 0
        self.unknown: set[str] = set()

    def decide(self, place: int, name: str, decision: Decision) -> None:
        """Applies the decision on the row at `place`, or on the part `name` of it."""
        row = {key: values[0] for key, values in self._manifest.table.slice(place, 1).to_pydict().items()}
        is_part = name != row["clip_id"]
        if decision.tag is not None and decision.tag != row.get("tag_raw", row["text"]):
            self.stale += 1
        elif decision.verdict == "rejected":
            self.rejected += not is_part
            if not is_part:
                self.dropped.add(place)
        else:
            changed = {**row, "clip_id": name}
            self._relabel(changed, decision)
            self._move(changed, decision)
            if is_part:
                self.added.append((place, changed))
            elif changed != row:
                self._replaced[place] = changed
            self.changed += changed != row

    def _relabel(self, row: dict[str, Any], decision: Decision) -> None:
        names = {"sounds": "sounds", "sources": "sources_stated", "qualities": "qualities"}
        for field, column in names.items():
            value = getattr(decision, field)
            if self._mined and value is not None:
                row[column] = list(value)
        if decision.text:
            row["text"] = decision.text
        if decision.sounds is None:
            return
        known = [s for s in decision.sounds if self._classes is None or s in self._classes]
        self.unknown |= {*decision.sounds} - {*known}
        row["labels"] = known

    def _move(self, row: dict[str, Any], decision: Decision) -> None:
        if decision.start is None and decision.end is None:
            return
        if not self._mined:
            start = row["start"] if decision.start is None else decision.start
            end = row["end"] if decision.end is None else decision.end
            if end > start >= 0:
                row |= {"start": start, "end": end}
            return
        before = (row["event_start"], row["event_end"])
        start = before[0] if decision.start is None else decision.start
        end = before[1] if decision.end is None else decision.end
        first = max(0.0, start - max(0.0, before[0] - row["film_start"]))
        last = end + max(0.0, row["film_end"] - before[1])
        row |= {"event_start": start, "event_end": end}
        if row["media"] == row["film"]:
            row |= {"start": first, "end": last, "film_start": first, "film_end": last}
            return
        kept = max(first, row["film_start"]), min(last, row["film_end"])
        self.cut += (start, end) != (max(start, row["film_start"]), min(end, row["film_end"]))
        if kept[1] - kept[0] < _SHORTEST:
            return
        offset = row["start"] - row["film_start"]
        row |= {"film_start": kept[0], "film_end": kept[1]}
        row |= {"start": round(kept[0] + offset, 6), "end": round(kept[1] + offset, 6)}

    def manifest(self) -> Manifest:
        """The rows that are left, in their order; parts behind the event that they were split off."""
        table = self._manifest.table
        order = [(place, 0, place) for place in range(len(table)) if place not in self.dropped]
        fresh: list[Mapping[str, Any]] = []
        for place, row in self._replaced.items():
            order[bisect_left(order, (place, 0, -1))] = (place, 0, len(table) + len(fresh))
            fresh.append(row)
        for place, row in self.added:
            order.append((place, 1 + len(fresh), len(table) + len(fresh)))
            fresh.append(row)
        rows = pa.concat_tables([table, pa.Table.from_pylist(fresh, schema=table.schema)])
        taken = rows.take(pa.array([index for *_, index in sorted(order)], pa.int64()))
        return Manifest(taken, self._manifest.folder, self._manifest.origin)
