"""An encoder with its weights, ready to turn windows into features on its device."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.spec import Feed, read_feed
from avtool.inference.spectrograms import Spectrograms
from avtool.inference.windows import Window

if TYPE_CHECKING:
    from torch import Tensor

Modality = Literal["audio", "video", "both", "image"]
Vectors = NDArray[np.float32]


class FeatureEncoder:
    """Loads an encoder, or builds its twin with random weights, and embeds windows with it.

    Args:
        path: a model, a run, or a checkpoint, of any model that gives features.
        modality: what is embedded: `audio`, `video`, `image`, or `both` for sound and pictures together;
            None for all that the model takes.
        runtime: device and precision.
        reporter: told which they are.
        random_seed: of random weights; None for those of `path`.

    Attributes:
        feed: how it is fed.
        modality: what is embedded.

    Raises:
        BadInputError: there is no model, it gives no features, or not of this modality.
        CorruptArtifactError: it is damaged.
        MissingError: the device is not there.
    """

    def __init__(
        self,
        path: Path,
        modality: Modality | None,
        runtime: RuntimeRecipe,
        reporter: Reporter,
        *,
        random_seed: int | None = None,
    ) -> None:
        import torch

        from avtool.models.encoder import need_encoder
        from avtool.models.model_folder import build_model, find_model, load_model, read_description
        from avtool.models.runtime import choose_device, choose_precision, place
        from avtool.models.seeds import seed_everything

        if random_seed is None:
            loaded = load_model(path)
            model, description = loaded.model, loaded.description
        else:
            description = read_description(find_model(path))
            seed_everything(random_seed)
            model = build_model(path, description).eval()
        self.encoder = need_encoder(model, str(path))
        feed = read_feed(path, description.preprocess)
        self.modality = modality or _all_of(feed)
        self.feed = feed.only(["audio", "video"] if self.modality == "both" else [self.modality], path)
        device = choose_device(runtime.device)
        precision = choose_precision(runtime.precision, device.value, model)
        reporter.detail(f"device: {device}; precision: {precision}")
        self._device = torch.device(device.value)
        self._half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision.value)
        place(model, runtime, self._device)
        self._spectrograms = Spectrograms(self.feed, self._device)

    def embed(self, windows: Sequence[Window]) -> Vectors:
        """The features of windows, (windows, D).

        `both` is the feature that the model fuses; of a model that does not fuse, the two unit vectors one
        after the other, so that cosines are the means of those of sound and of pictures.

        Raises:
            BadInputError: sound or pictures are wanted that the windows have not, or a feature is not finite.
        """
        import torch

        batch = self._batch(windows)
        with torch.no_grad(), torch.autocast(self._device.type, self._half, enabled=self._half is not None):
            found = self.encoder.embed(**batch)
        feature = found[self.modality] if self.modality in found else _joined(found)
        values: Vectors = feature.float().cpu().numpy()
        if not np.isfinite(values).all():
            raise BadInputError("the encoder gives features that are not finite", "train it again")
        return values

    def _batch(self, windows: Sequence[Window]) -> "dict[str, Tensor]":
        import torch

        batch = {}
        if "audio" in self.feed.inputs:
            sounds = [window.sound for window in windows if window.sound is not None]
            _need_all(len(sounds), windows, "sound")
            batch["audio"] = self._spectrograms(sounds)
        if name := next((name for name in ("video", "image") if name in self.feed.inputs), ""):
            pictures = [window.pictures for window in windows if window.pictures is not None]
            _need_all(len(pictures), windows, "pictures")
            batch[name] = torch.stack(pictures).to(self._device)
        return batch


def _need_all(count: int, windows: Sequence[Window], noun: str) -> None:
    if count < len(windows):
        raise BadInputError(f"it has no {noun}, which are to be embedded", "choose another --modality")


def _all_of(feed: Feed) -> Modality:
    if {"audio", "video"} <= set(feed.inputs):
        return "both"
    only: dict[str, Modality] = {"audio": "audio", "video": "video", "image": "image"}
    return only[feed.inputs[0]]


def _joined(features: "dict[str, Tensor]") -> "Tensor":
    import torch

    parts = [torch.nn.functional.normalize(feature.float(), dim=1) for feature in features.values()]
    joined: Tensor = torch.cat(parts, dim=1) / len(parts) ** 0.5
    return joined
