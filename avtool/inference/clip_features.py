"""The features of short clips in memory: a few windows of each, for probes and retrieval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Ints
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.inference.encoder import FeatureEncoder
from avtool.inference.sources import Item
from avtool.inference.windows import spaced_windows


@dataclass(frozen=True)
class ClipFeatures:
    """Features of the windows of clips.

    Attributes:
        values: (windows, D).
        owners: (windows,) the place of each window's clip.
        count: clips; each has a window.
    """

    values: NDArray[np.float32]
    owners: Ints
    count: int

    def of(self, clips: Ints) -> "ClipFeatures":
        """The windows of some clips, which are numbered anew in the order given."""
        place = np.full(self.count, -1)
        place[clips] = np.arange(len(clips))
        kept = place[self.owners] >= 0
        return ClipFeatures(self.values[kept], place[self.owners[kept]], len(clips))


def embed_clips(
    model: FeatureEncoder, items: Sequence[Item], windows: int, reporter: Reporter
) -> ClipFeatures:
    """Embeds evenly spaced windows of clips.

    Args:
        model: the encoder.
        items: the clips.
        windows: of each; a clip that is no longer than a window gives one.
        reporter: told about progress.

    Raises:
        BadInputError: a clip cannot be read; the message names it.
    """
    values, owners = [], []
    with reporter.progress("embedding", len(items)) as bar:
        for number, item in enumerate(items):
            try:
                values.append(model.embed(spaced_windows(item, model.feed, windows)))
            except BadInputError as error:
                raise BadInputError(f"clip `{item.name}`: {error.message}", error.hint) from error
            owners += [number] * len(values[-1])
            bar.advance()
    return ClipFeatures(np.concatenate(values), np.array(owners, np.int64), len(items))
