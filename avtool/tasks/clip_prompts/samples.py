"""Images of a prompt tuning as samples, their plain features, and the scoring of images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from avtool.core.artifact import settings_hash
from avtool.core.errors import CorruptArtifactError
from avtool.core.files import atomic_file
from avtool.core.paths import cache_folder
from avtool.data.inputs.collate import Key, collate, scalar
from avtool.data.inputs.image import ImageInput
from avtool.data.manifest import Manifest
from avtool.evaluation.metrics.single_label import class_accuracies, confusion_matrix, top_k_accuracy
from avtool.models.clip.prompted_clip import PromptedClip
from avtool.models.model_folder import load_tensors, save_tensors

Logits = NDArray[np.float32]
_BATCH = 32
_MANY_CLASSES = 10
_KEPT_MIB = 256


class ImageSamples(Dataset[dict[str, Tensor]]):
    """Images with their labels; and, where each has one view alone, with its plain feature.

    A sample holds `image` (3, size, size) or `feature` (E,), or both; `label`, `index` and `epoch`.

    Args:
        images: the manifest.
        labels: class numbers.
        read: the input; None where features suffice.
        features: (N, E), normalised; None where views differ.
        seed: of crops and flips; None for the images' centres.
    """

    def __init__(
        self,
        images: Manifest,
        labels: Sequence[int],
        read: ImageInput | None,
        features: Tensor | None,
        seed: int | None,
    ) -> None:
        assert read is not None or features is not None, "an image or a feature"
        self.images = images
        self.labels = list(labels)
        self.read = read
        self.features = features
        self.seed = seed
        self.epoch = 0
        self._kept: dict[int, dict[str, Tensor]] = {}
        self._room = _KEPT_MIB * 2**20 // (12 * read.settings.size**2) if read and seed is None else 0

    def __len__(self) -> int:
        return len(self.labels)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of samples that are indexed by number alone."""
        self.epoch = epoch

    def __getitem__(self, key: Key) -> dict[str, Tensor]:
        index, epoch = key if isinstance(key, tuple) else (key, self.epoch)
        sample = {"index": scalar(index), "epoch": scalar(epoch), "label": scalar(self.labels[index])}
        if self.features is not None:
            sample["feature"] = self.features[index]
        if self.read is not None:
            sample |= self._image(self.read, index, epoch)
        return sample

    def _image(self, read: ImageInput, index: int, epoch: int) -> dict[str, Tensor]:
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, epoch, index])
            return read.sample(self.images, index, 0.5, rng)
        if index not in self._kept:
            found = read.sample(self.images, index, 0.5, None)
            if len(self._kept) >= self._room:
                return found
            self._kept[index] = found
        return self._kept[index]


def plain_features(
    model: PromptedClip, images: Manifest, read: ImageInput, host: str, device: torch.device
) -> Tensor:
    """The host's own features of images' centres, (N, E), normalised; kept in the cache.

    Args:
        model: with the host's weights.
        images: what to compute them of.
        read: the input.
        host: the host's content, by hash.
        device: where to compute.
    """
    file = cache_folder() / "clip-features" / f"{settings_hash([host, read.to_json()])}.safetensors"
    known = _read(file)
    keys = [_key(images.local(clip.video), clip.video.start, clip.video.end) for clip in images]
    new = {key: place for place, key in enumerate(keys) if key not in known}
    if new:
        places = list(new.values())
        for begin in range(0, len(places), _BATCH):
            part = places[begin : begin + _BATCH]
            views = [read.sample(images, place, 0.5, None)[read.name] for place in part]
            views += views[:1] * (
                _BATCH - len(views)
            )  # always as many: an image's feature depends on it alone
            features = model.image_features(torch.stack(views).to(device)).cpu()
            known |= {keys[place]: feature for place, feature in zip(part, features, strict=False)}
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(file) as partial:
            save_tensors(partial, known)
    return torch.stack([known[key] for key in keys])


def _read(file: Path) -> dict[str, Tensor]:
    try:
        return load_tensors(file) if file.is_file() else {}
    except CorruptArtifactError:
        return {}  # it is computed again


def _key(path: Path, start: float, end: float) -> str:
    stat = path.stat()
    return settings_hash([str(path.absolute()), stat.st_size, stat.st_mtime_ns, start, end])


@dataclass(frozen=True)
class ImageScores:
    """The scores of images.

    Attributes:
        logits: (N, C).
        labels: (N,) class numbers.
        top_k_hits: share of images whose class is among those that class-aware prompts are made of; NaN
            without such prompts.
    """

    logits: Logits
    labels: NDArray[np.int64]
    top_k_hits: float = float("nan")

    def metrics(self) -> dict[str, float]:
        """Accuracy, its mean over classes, of many classes that of the top five, loss, and hits."""
        count = self.logits.shape[1]
        accuracy = top_k_accuracy(self.labels, self.logits)
        confusion = confusion_matrix(self.labels, self.logits.argmax(axis=1), count)
        found = {
            "accuracy": accuracy[1],
            "mean_class_accuracy": float(np.nanmean(class_accuracies(confusion))),
        }
        if count > _MANY_CLASSES:
            found["top_5"] = accuracy[5]
        found["loss"] = float(F.cross_entropy(torch.from_numpy(self.logits), torch.from_numpy(self.labels)))
        return found if np.isnan(self.top_k_hits) else {**found, "top_k_hits": self.top_k_hits}


@dataclass(frozen=True)
class ImageScoring:
    """Scores images, as the validation of a training.

    Attributes:
        samples: without crops and flips.
        batch_size: images at a time.
        workers: loader processes.
    """

    samples: ImageSamples
    batch_size: int
    workers: int = 0

    def __call__(self, model: torch.nn.Module, device: torch.device) -> Mapping[str, float]:
        scores = self.scores(model, device)
        if not np.isfinite(scores.logits).all():
            raise FloatingPointError("the logits of the scored images are not finite")
        return scores.metrics()

    def scores(self, model: torch.nn.Module, device: torch.device) -> ImageScores:
        """The scores of all images, in their order.

        Args:
            model: in evaluation mode, on the device.
            device: where it is.
        """
        assert isinstance(model, PromptedClip), "a prompted host"
        logits, hits = [], []
        with torch.no_grad():
            for batch in DataLoader(
                self.samples, self.batch_size, collate_fn=collate, num_workers=self.workers
            ):
                moved = {name: value.to(device) for name, value in batch.items()}
                found = model.scores(moved.get("image"), moved.get("feature"))
                logits.append(found.logits.float().cpu())
                if found.top is not None:
                    hits.append((found.top == moved["label"][:, None]).any(dim=1).float().cpu())
        share = float(torch.cat(hits).mean()) if hits else float("nan")
        labels = np.array(self.samples.labels, np.int64)
        return ImageScores(torch.cat(logits).numpy(), labels, share)
