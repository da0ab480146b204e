"""Windows of files: every so many seconds, or evenly spaced; in bounded memory."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.spec import InputSpec, Window
from avtool.data.inputs.video import VideoInput
from avtool.data.items import Item
from avtool.media.still_images import is_image

T = TypeVar("T")
ROUNDING_S = 1e-4
"""Windows that lack no more than this, in seconds, are whole."""
_SHORTEST_HOP_S = 0.01


def iter_windows(
    item: Item, inputs: InputSpec, hop: float, reporter: Reporter | None = None
) -> Iterator[Window]:
    """The windows of a file every `hop` seconds, until its end is covered.

    A stream (audio) is cut as it is decoded, and the other inputs are read at its times.

    Args:
        item: the file, or the clip.
        inputs: of the model; those that the file lacks are skipped.
        hop: seconds from one window to the next.
        reporter: gets warnings of damage.

    Raises:
        BadInputError: it cannot be read, or has nothing that the model takes.
    """
    present = [one for one in inputs if one.is_in(item)]
    if not present:
        nouns = " and no ".join(one.noun for one in inputs)
        raise BadInputError(f"`{item.path}` has no {nouns}, which the model takes")
    lead = max(present, key=lambda one: (one.is_stream, one.seconds > 0))
    others = [one for one in present if one is not lead]
    for (start, end), value in lead.windows(item, hop, reporter):
        values = {lead.name: value, **{one.name: one.window(item, start, end) for one in others}}
        yield Window(start, end, values)


def covering_windows(
    item: Item, inputs: InputSpec, hop: float, reporter: Reporter | None = None
) -> Iterator[Window]:
    """Evenly spaced windows of a file, at most `hop` seconds apart, the last of which ends where it ends.

    So none is padded, and all count alike in a mean; a file shorter than a window gives one that is. Of a
    file of unknown duration, windows are `hop` seconds apart.

    Raises:
        BadInputError: as `iter_windows`.
    """
    if is_image(item.path):
        return _evenly(item, inputs, 1, reporter)
    try:
        seconds = item.seconds
    except BadInputError:  # decoding reports what is wrong with the file
        return iter_windows(item, inputs, hop, reporter)
    count = 1 + max(0, math.ceil((seconds - inputs.seconds - ROUNDING_S) / hop))
    return _evenly(item, inputs, count, reporter)


def spaced_windows(item: Item, inputs: InputSpec, count: int) -> list[Window]:
    """At most `count` windows of a short file or clip, evenly spaced from its start to its end.

    A file that is no longer than a window gives one.

    Raises:
        BadInputError: as `iter_windows`, or the duration is unknown.
    """
    return list(_evenly(item, inputs, count))


def _evenly(item: Item, inputs: InputSpec, count: int, reporter: Reporter | None = None) -> Iterator[Window]:
    """Windows without a padded rest: one that is not whole follows none that is."""
    still = is_image(item.path)
    room = 0.0 if still or count == 1 else (item.seconds - inputs.seconds) / (count - 1)
    # A hop that is a little too short: rounding cannot lose the last window, and what follows is not taken.
    hop = max(room - ROUNDING_S, _SHORTEST_HOP_S) if room > 0 else inputs.seconds
    for number, window in enumerate(islice(iter_windows(item, inputs, hop, reporter), count)):
        if number and window.end - window.start < inputs.seconds - ROUNDING_S:
            return
        yield window


def cropped(windows: Iterable[Window], inputs: InputSpec) -> Iterator[Window]:
    """The windows, one for each of the crops of its frames where the input of video has several."""
    video = inputs.get(VideoInput)
    for window in windows:
        if video is None or video.crops == 1 or video.name not in window.values:
            yield window
            continue
        for frames in window.values[video.name]:
            yield replace(window, values={**window.values, video.name: frames})


def in_batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` values: windows, or what belongs to them."""
    remaining = iter(values)
    while batch := list(islice(remaining, size)):
        yield batch
