"""The clips of a manifest as a torch dataset; its random choices depend on seed, epoch and index alone.

Workers, batch sizes and resumed runs therefore see the same samples.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.base import ModelInput
from avtool.data.inputs.collate import Key, scalar
from avtool.data.labels import Targets
from avtool.data.manifest import Manifest

Cut = Literal["start", "centre", "random"]
_SHOWN = 5


class ClipDataset(Dataset[dict[str, Tensor]]):
    """Samples of clips.

    A sample holds `index`, the place of its clip in the manifest; what its inputs read, by their names;
    `label`; and with several tracks `<name>_present` of each. Audio is neither masked nor scaled yet: that is
    done to whole batches, on the device.

    Args:
        manifest: the clips.
        inputs: of the model.
        targets: the clips' labels, or None.
        train: whether inputs are augmented.
        cut: which part of a long clip is taken: its start, its middle, or any.
        windows: parts of each clip, evenly spaced from start to end; with more than one, `cut` has no effect,
            and sample n is part n % windows of clip n // windows.
        seed: of everything random.

    Raises:
        BadInputError: the features belong to other clips, or clips lack an input.
    """

    def __init__(
        self,
        manifest: Manifest,
        inputs: Iterable[ModelInput],
        *,
        targets: Targets | None = None,
        train: bool = False,
        cut: Cut = "start",
        windows: int = 1,
        seed: int = 0,
    ) -> None:
        assert windows >= 1, windows
        assert targets is None or len(targets) == len(manifest), "the labels belong to other clips"
        self.manifest = manifest
        self.inputs = tuple(inputs)
        self.targets = targets
        self.train = train
        self.cut = cut
        self.windows = windows
        self.seed = seed
        self.epoch = 0
        tracks = [one.name for one in self.inputs if one.is_track]
        self._flagged = set(tracks) if len(tracks) > 1 else set()
        for one in self.inputs:
            one.check_clips(manifest)
            self._check_present(one)

    def __len__(self) -> int:
        return len(self.manifest) * self.windows

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of samples that are indexed by number alone.

        Worker processes that outlive an epoch do not get it: let the sampler give (index, epoch).
        """
        self.epoch = epoch

    def __getitem__(self, key: Key) -> dict[str, Tensor]:
        number, epoch = key if isinstance(key, tuple) else (key, self.epoch)
        index, window = divmod(number, self.windows)
        rng = np.random.default_rng([self.seed, epoch, number])
        place = self._place(window, rng)
        sample = {"index": scalar(index)}
        for one in self.inputs:
            flagged = one.name in self._flagged
            present = not flagged or one.is_present(self.manifest, self.manifest[index])
            changes = rng if self.train else None
            sample |= one.sample(self.manifest, index, place, changes) if present else one.absent()
            if flagged:
                sample[f"{one.name}_present"] = scalar(present)
        if self.targets is not None:
            sample["label"] = torch.from_numpy(self.targets.target(index))
        return sample

    def _place(self, window: int, rng: np.random.Generator) -> float:
        drawn = float(rng.random())  # always, so that what is drawn after it does not depend on `cut`
        if self.windows > 1:
            return window / (self.windows - 1)
        return {"start": 0.0, "centre": 0.5, "random": drawn}[self.cut]

    def _check_present(self, one: ModelInput) -> None:
        """Refuses clips without the only track, and datasets that have one of several nowhere."""
        lacking, count = int(one.lacking(self.manifest).sum()), len(self.manifest)
        if lacking and (one.name not in self._flagged or lacking == count):
            message = f"{lacking} of the {count} clips of `{self.manifest.origin}` have no {one.noun}"
            raise BadInputError(message, "leave these clips out, or choose another modality")


def warn_of_unseen_classes(targets: Targets, reporter: Reporter) -> None:
    """Warns of classes without a training clip."""
    unseen = targets.unseen()
    if unseen:
        shown = ", ".join(f"`{name}`" for name in unseen[:_SHOWN]) + (", …" if len(unseen) > _SHOWN else "")
        total = sum(len(names) for names in targets.classes)
        reporter.warn(f"{len(unseen)} of {total} classes have no training clip: {shown}")
