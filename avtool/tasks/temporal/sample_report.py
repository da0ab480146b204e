"""Pretext tasks that the clips of a dataset can serve, and the errors where there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avtool.core.errors import BadInputError
from avtool.data.manifest import Manifest
from avtool.tasks.temporal.draw import can_order
from avtool.tasks.temporal.grid import Grid
from avtool.tasks.temporal.pair_settings import PairSettings


@dataclass(frozen=True)
class TemporalReport:
    """How many clips serve each pretext task.

    Attributes:
        clips: all of them.
        present: by modality, those that have it.
        able: by task (`video_speed`, `order_vv`, …), those that are long enough for it.
    """

    clips: int
    present: Mapping[str, int]
    able: Mapping[str, int]

    def lines(self) -> list[str]:
        """Lines to report: missing modalities, and tasks that clips are too short for."""
        lines = [
            f"{self.clips - count} of {self.clips} clips have no {name}"
            for name, count in self.present.items()
            if count < self.clips
        ]
        for task, count in self.able.items():
            if count < self.clips:
                lines.append(f"{task}: {count} of {self.clips} clips are long enough")
        return lines


def make_report(
    manifest: Manifest,
    settings: PairSettings,
    modalities: Sequence[str],
    grids: Sequence[Mapping[str, Grid]],
) -> TemporalReport:
    """Counts the clips that serve each pretext task.

    Args:
        manifest: the clips.
        settings: of the pairs.
        modalities: `video`, `audio`, or both.
        grids: what each clip offers, by modality.

    Raises:
        BadInputError: no clip has a modality that is taken, or none is long enough.
    """
    present = {name: sum(name in offered for offered in grids) for name in modalities}
    for name, count in present.items():
        if not count:
            message = f"no clip of `{manifest.origin}` has {name}"
            raise BadInputError(message, "choose other clips, or another method: audio-mae, video-mae")
    able: dict[str, int] = {}
    for name in modalities:
        offered = [clip[name] for clip in grids if name in clip]
        if "speed" in settings.tasks:
            able[f"{name}_speed"] = sum(grid.num_speeds > 1 for grid in offered)
        if "direction" in settings.tasks:
            able[f"{name}_direction"] = sum(grid.num_speeds > 0 for grid in offered)
    ordering = sum(can_order(clip) for clip in grids)
    if settings.has_order:
        able["order"] = ordering
    _check_lengths(manifest, settings, grids, able)
    return TemporalReport(len(grids), present, able)


def _check_lengths(
    manifest: Manifest,
    settings: PairSettings,
    grids: Sequence[Mapping[str, Grid]],
    able: Mapping[str, int],
) -> None:
    seconds = manifest.durations()
    extents = [grid.extent(0) for clip in grids for grid in clip.values()]
    needed = max(extents)
    if not any(grid.num_speeds for clip in grids for grid in clip.values()):
        message = f"0 of {len(grids)} clips reach {needed:.1f} s; the shortest has {seconds.min():.2g} s"
        raise BadInputError(message, "lower --frames or --speeds, or choose longer clips")
    if "order" in able and not able["order"]:
        message = (
            f"the order of two clips of {needed:.1f} s cannot be learned: no video of `{manifest.origin}` "
            f"has room for both, the longest has {np.max(seconds):.3g} s"
        )
        raise BadInputError(message, "lower --frames, or leave order out of --tasks")
    if "speed" in settings.tasks and len(settings.speeds) > 1:
        speeds = [count for task, count in able.items() if task.endswith("_speed")]
        if not any(speeds):
            fast = settings.speeds[1]
            message = f"no clip is long enough for speed {fast}: the longest has {np.max(seconds):.3g} s"
            raise BadInputError(message, "lower --frames, or leave speed out of --tasks")
