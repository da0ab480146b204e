"""The clips of a manifest as a torch data set; its random choices depend on seed, epoch and index alone.

Workers, batch sizes and resumed runs therefore see the same samples.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.clip_views import AudioView, FrameFeatureView, VideoView
from avtool.data.inputs.collate import Key, scalar
from avtool.data.inputs.image_view import ImageView
from avtool.data.labels import Targets
from avtool.data.manifest import Manifest

Cut = Literal["start", "centre", "random"]
_SHOWN = 5


class ClipDataset(Dataset[dict[str, Tensor]]):
    """Samples of clips.

    A sample holds `index`, the place of its clip in the manifest; `audio`, `video`, `image`, `clip` with
    `clip_mask`, as far as there are views of them; `label`; and, where sound and pictures are both asked for,
    `audio_present` and `video_present`. Sound is neither masked nor scaled yet: that is done to whole
    batches, on the device.

    Args:
        manifest: the clips.
        audio: the view of the sound, or None.
        video: the view of the pictures, or None.
        frames: the view of frame features, or None.
        image: the view of single pictures, or None.
        targets: the clips' labels, or None.
        train: whether pictures are changed at random.
        cut: which part of a long clip is taken: its start, its middle, or any.
        windows: parts of each clip, evenly spaced from start to end; with more than one, `cut` has no say,
            and sample n is part n % windows of clip n // windows.
        seed: of everything random.

    Raises:
        BadInputError: the labels or features belong to other clips, or clips lack what is asked for.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        audio: AudioView | None = None,
        video: VideoView | None = None,
        frames: FrameFeatureView | None = None,
        image: ImageView | None = None,
        targets: Targets | None = None,
        train: bool = False,
        cut: Cut = "start",
        windows: int = 1,
        seed: int = 0,
    ) -> None:
        assert windows >= 1, windows
        assert targets is None or len(targets) == len(manifest), "the labels belong to other clips"
        for view in (audio, frames):
            features = view.features if view else None
            if features is not None:
                features.need_clips(manifest)
        self.manifest = manifest
        self.audio = audio
        self.video = video
        self.frames = frames
        self.image = image
        self.targets = targets
        self.train = train
        self.cut = cut
        self.windows = windows
        self.seed = seed
        self.epoch = 0
        self._check_modalities()

    def __len__(self) -> int:
        return len(self.manifest) * self.windows

    def set_epoch(self, epoch: int) -> None:
        """The epoch of samples that are asked for by index alone.

        Worker processes that outlive an epoch do not hear of it: let the sampler give (index, epoch).
        """
        self.epoch = epoch

    def __getitem__(self, key: Key) -> dict[str, Tensor]:
        number, epoch = key if isinstance(key, tuple) else (key, self.epoch)
        index, window = divmod(number, self.windows)
        clip = self.manifest[index]
        rng = np.random.default_rng([self.seed, epoch, number])
        place = self._place(window, rng)
        sample = {"index": scalar(index)}
        if self.audio is not None:
            present = self.video is None or self.audio.is_present(self.manifest, clip)
            sample["audio"] = (
                self.audio(self.manifest, index, clip, place) if present else self.audio.absent()
            )
            sample["audio_present"] = scalar(present)
        if self.video is not None:
            present = self.audio is None or self.video.is_present(self.manifest, clip)
            sample["video"] = (
                self.video(self.manifest, clip, place, rng if self.train else None)
                if present
                else self.video.absent()
            )
            sample["video_present"] = scalar(present)
        if self.audio is None or self.video is None:
            sample.pop("audio_present", None)
            sample.pop("video_present", None)
        if self.image is not None:
            sample["image"] = self.image(self.manifest, clip, place, rng if self.train else None)
        if self.frames is not None:
            sample["clip"], sample["clip_mask"] = self.frames(index)
        if self.targets is not None:
            sample["label"] = torch.from_numpy(self.targets.target(index))
        return sample

    def _place(self, window: int, rng: np.random.Generator) -> float:
        drawn = float(rng.random())  # always, so that what is drawn after it does not depend on `cut`
        if self.windows > 1:
            return window / (self.windows - 1)
        return {"start": 0.0, "centre": 0.5, "random": drawn}[self.cut]

    def _check_modalities(self) -> None:
        """Refuses clips without the only modality asked for, and data sets that have one of two nowhere."""
        wanted = {"has_audio": self.audio, "has_video": self.video}
        names = [name for name, view in wanted.items() if view is not None]
        for name in names:
            if name not in self.manifest.table.column_names:
                continue
            if name == "has_video" and "film_start" in self.manifest.table.column_names:
                continue  # the pictures are those of the film
            flags = np.array([value is not False for value in self.manifest.column(name)])
            lacking = int((~flags).sum())
            if lacking and (len(names) == 1 or lacking == len(flags)):
                what = "sound" if name == "has_audio" else "pictures"
                message = f"{lacking} of the {len(flags)} clips of `{self.manifest.origin}` have no {what}"
                raise BadInputError(message, "leave these clips out, or choose another modality")


def warn_of_unseen_classes(targets: Targets, reporter: Reporter) -> None:
    """Tells which classes have no clip to learn them from."""
    unseen = targets.unseen()
    if unseen:
        shown = ", ".join(f"`{name}`" for name in unseen[:_SHOWN]) + (", …" if len(unseen) > _SHOWN else "")
        total = sum(len(names) for names in targets.classes)
        reporter.warn(f"{len(unseen)} of {total} classes have no training clip: {shown}")
