"""The clips that can be trained on: the others are listed, and too many of them end the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from avtool.core.errors import AvtoolError, BadInputError, DiskFullError
from avtool.core.files import write_csv
from avtool.core.manifest_columns import distinct_rows
from avtool.core.reporter import Reporter
from avtool.data.manifest import Clip, Manifest
from avtool.data.media_files import Media

SKIPPED = "skipped.csv"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A clip that is not learned from, and why."""

    clip_id: str
    media: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a clip must have.

    Attributes:
        inputs: of `audio`, `video` and `image`.
        all_of_them: or else one of them is enough.
        shortest: least length in seconds.
    """

    inputs: tuple[str, ...]
    all_of_them: bool = True
    shortest: float = 0.0


def usable_clips(
    clips: Manifest, wanted: Wanted, max_bad: float, reporter: Reporter
) -> tuple[Manifest, list[Skipped]]:
    """The clips that have all that is wanted of them; nothing is ever put in the place of what is missing.

    Args:
        clips: of a split.
        wanted: what a clip must have.
        max_bad: share of clips that may be skipped.
        reporter: receives how many are.

    Raises:
        BadInputError: too many clips are skipped, or all of them.
    """
    bad = {}
    numbers, firsts = distinct_rows(_deciding(clips, wanted))
    faulty = [any(_reasons(clips, clips[int(place)], wanted)) for place in firsts]
    for place in np.flatnonzero(np.array(faulty, bool)[numbers]).tolist():
        clip = clips[place]
        bad[place] = Skipped(clip.clip_id, clip.media, next(_reasons(clips, clip, wanted)))
    if not bad:
        return clips, []
    first = next(iter(bad.values()))
    share = f"{len(bad)} of {len(clips)} clips of `{clips.origin}`"
    what = f"{share} cannot be used: `{first.clip_id}` {first.reason}"
    if len(bad) == len(clips):
        raise BadInputError(what, "choose other clips, or another method")
    if len(bad) > max_bad * len(clips):
        message = f"{what}; more than data.max_bad = {max_bad:g} of them"
        raise BadInputError(message, "prepare the dataset again, or allow more: --set data.max_bad=0.5")
    reporter.warn(f"{what}; skipping them (`{SKIPPED}` in the run lists them)")
    return clips.take(np.delete(np.arange(len(clips)), list(bad))), list(bad.values())


def _deciding(clips: Manifest, wanted: Wanted) -> pa.Table:
    """The columns that decide whether a clip can be used: those with equal rows are looked at once."""
    names = set(clips.table.column_names)
    whole, part = ("media", "film", "has_audio", "has_video"), ("film_start", "film_end")
    columns = {name: clips.table[name] for name in whole if name in names}
    columns |= {f"{name} is known": clips.table[name].is_valid() for name in part if name in names}
    return pa.table({**columns, "short": clips.durations() < wanted.shortest})


def write_skipped(folder: Path, skipped: Sequence[Skipped]) -> None:
    """Writes `skipped.csv` into a run, if there is something to list."""
    if not skipped:
        return
    rows = ([item.clip_id, item.media, item.reason] for item in skipped)
    write_csv(folder / SKIPPED, ["clip_id", "media", "reason"], rows)


def _reasons(clips: Manifest, clip: Clip, wanted: Wanted) -> Iterator[str]:
    """The reasons to skip a clip, the plainest first."""
    lacking = []
    for name in wanted.inputs:
        try:
            _need_file(clips, clip.audio if name == "audio" else clip.video)
            present = clips.has_audio(clip) if name == "audio" else clips.has_video(clip)
        except DiskFullError:
            raise
        except AvtoolError as error:
            yield f"cannot be read ({error})"
            return
        if not present:
            lacking.append(name)
    if lacking and (wanted.all_of_them or len(lacking) == len(wanted.inputs)):
        yield f"has no {' and no '.join(lacking)}"
    if "image" not in wanted.inputs and clip.duration < wanted.shortest:
        patch = f"less than one patch of {1000 * wanted.shortest:.0f} ms"
        yield f"lasts {1000 * clip.duration:.0f} ms, {patch}"


def _need_file(clips: Manifest, media: Media) -> None:
    path = clips.local(media)
    if not path.is_file():
        raise BadInputError(f"`{path}` does not exist")


def with_audio(clips: Manifest) -> Manifest:
    """The clips that are not known to lack audio."""
    if "has_audio" not in clips.table.column_names:
        return clips
    return clips.take([place for place, has in enumerate(clips.column("has_audio")) if has is not False])
