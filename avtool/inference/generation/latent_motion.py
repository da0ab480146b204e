"""Motion features of clips: how far the time planes of an autoencoder's latents move from frame to frame."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.frame_clips import fit
from avtool.inference.generation.reconstructor import VideoReconstructor


class LatentMotion:
    """The mean change between neighbouring frames of each value of the planes `yt` and `xt`.

    Means of features over time, as encoders give them, hardly notice the order of frames; neighbours do.

    Args:
        path: a run of `generate train-autoencoder`, or its model.
        device: auto, cpu, cuda or cuda:1.
        reporter: receives decisions.

    Raises:
        BadInputError: it is no autoencoder of videos, or one of single frames.
        MissingError: the device is not there.
    """

    own = True

    def __init__(self, path: Path, device: str, reporter: Reporter) -> None:
        self.autoencoder = VideoReconstructor.open(path, RuntimeRecipe(device=device), reporter)
        if self.autoencoder.frames < 2:
            raise BadInputError(f"`{path}` takes single frames, without motion", "give another autoencoder")
        self.name, self.content = f"motion in {path.name}", self.autoencoder.content

    def __call__(self, clips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(B, C (H' + W')) features of clips (T, height, width, 3); fitted to the autoencoder's size.

        Raises:
            BadInputError: clips have another number of frames than the autoencoder takes.
        """
        frames, size = self.autoencoder.frames, self.autoencoder.size
        if len(clips[0]) != frames:
            message = f"a clip has {len(clips[0])} frames, and the autoencoder takes {frames}"
            raise BadInputError(message, f"compare clips of {frames} frames")
        fitted = [np.stack([fit(frame, size) for frame in clip]) for clip in clips]
        planes = self.autoencoder.network.grid.split(self.autoencoder.encode(fitted))[1:]
        moved = [plane.diff(dim=2).abs().mean(dim=2).flatten(1).cpu().numpy() for plane in planes]
        return np.concatenate(moved, axis=1).astype(np.float32)
