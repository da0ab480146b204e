"""A trained model on its device, with its inputs and outputs: logits and features of windows."""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.spec import InputSpec, Window, read_inputs
from avtool.data.inputs.video import VideoInput
from avtool.data.labels import LabelKind
from avtool.inference.class_map import map_outputs, read_class_map
from avtool.inference.outputs import Logits, OutputSpec, read_outputs

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.model_folder import ModelDescription

Modality = Literal["audio", "video", "both", "image", "text"]
Vectors = NDArray[np.float32]


class Predictor:
    """Applies a trained model, or its random-init baseline, to windows of files.

    Args:
        path: a model, a run, a checkpoint, or weights of others.
        runtime: device and precision.
        reporter: gets both, with the reasons for them.
        random_seed: of random weights in the place of trained ones; None for those of `path`.

    Attributes:
        path: as given.
        reporter: gets warnings of damaged files.
        model: the network, in evaluation mode on its device.
        description: how it was built, and its `preprocess.json`.
        inputs: what it takes.
        modality: what `features` embeds: one input, or `both` audio and video.
        device: where it is.

    Raises:
        BadInputError: the path holds no model.
        CorruptArtifactError: it is damaged.
        MissingError: the device is not there.
    """

    def __init__(
        self,
        path: Path,
        runtime: RuntimeRecipe,
        reporter: Reporter,
        *,
        random_seed: int | None = None,
    ) -> None:
        import torch

        from avtool.models.bf16_self_test import guard_convolutions, needs_guard
        from avtool.models.foreign import locate
        from avtool.models.runtime import choose_device, choose_precision, place

        self.path = path
        self.reporter = reporter
        self.model, self.description = _load(path, random_seed)
        self.inputs = read_inputs(locate(path), self.description.preprocess)
        self.modality: Modality = _modality_of(self.inputs, path)
        device = choose_device(runtime.device)
        precision = choose_precision(runtime.precision, device.value, self.model)
        reporter.info(f"device: {device}; precision: {precision}")
        self.device = torch.device(device.value)
        self._half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision.value)
        place(self.model, runtime, self.device)
        if needs_guard(device.value, precision.value):
            guard_convolutions(self.model, reporter.warn)

    @cached_property
    def outputs(self) -> OutputSpec:
        """What its logits mean.

        Raises:
            CorruptArtifactError: it is no classifier.
        """
        return read_outputs(self.path, self.description.preprocess)

    def only(self, modality: Modality | None) -> "Predictor":
        """The same network on one modality, or on both audio and video; None for all that it takes.

        Raises:
            BadInputError: it does not take the modality.
        """
        if modality is None:
            return self
        other = copy(self)
        other.inputs = self.inputs.of_modality(modality, self.path)
        other.modality = modality
        return other

    def with_features(self, folder: Path) -> "Predictor":
        """The same, its frame features read from a `features` artifact.

        Raises:
            BadInputError: the model takes none, or the folder is no such artifact.
            CorruptArtifactError: the artifact is damaged.
        """
        other = copy(self)
        other.inputs = self.inputs.with_features(folder, self.path)
        return other

    def with_crops(self, count: int) -> "Predictor":
        """The same with so many crops of each window of frames, whose scores are averaged as windows' are.

        Raises:
            BadInputError: the model takes no video.
        """
        if count == 1:
            return self
        video = self.inputs.get(VideoInput)
        if video is None or not video.croppable:
            raise BadInputError(f"`{self.path}` takes no video to crop", "run without --crops")
        other = copy(self)
        other.inputs = self.inputs.reading(VideoInput, crops=count)
        return other

    def with_class_map(self, path: Path) -> "Predictor":
        """The same for the classes of a class map, each of which stands for some of the model's.

        Raises:
            BadInputError: the file is no class map, or names a class that the model has not.
            CorruptArtifactError: the model is no classifier.
        """
        other = copy(self)
        other.outputs = map_outputs(self.outputs, read_class_map(path), path)
        return other

    def with_phrases(self, path: Path) -> "Predictor":
        """The same as a zero-shot classifier: each phrase of a file is a class.

        Raises:
            BadInputError: the file holds none, or the model has no text tower.
        """
        from avtool.models.hub.phrases import read_phrases

        return self.with_texts(read_phrases(path))

    def with_texts(self, texts: Sequence[str], labels: Sequence[str] | None = None) -> "Predictor":
        """The same as a zero-shot classifier: each text is a class.

        Args:
            texts: what the text tower embeds.
            labels: names of the classes; the texts themselves where none are given.

        Raises:
            BadInputError: the model has no text tower.
        """
        from avtool.models.hub.phrases import PhraseScorer
        from avtool.models.hub.text_tower import embed_texts

        embedded = embed_texts(self.path, texts, self.device)
        other = copy(self)
        other.model = PhraseScorer(self.model, embedded).eval()
        exclusive = any(one.exclusive for one in embedded.values())
        task: LabelKind = "single-label" if exclusive else "multi-label"
        other.outputs = OutputSpec(task, tuple(labels or texts), (len(texts),))
        return other

    @property
    def has_frames(self) -> bool:
        """Whether it scores the frames of a window too (`frame_logits`)."""
        return bool(getattr(self.model, "has_frames", False))

    def frame_logits(self, windows: Sequence[Window]) -> Logits:
        """The logits of the frames of windows of one file, (windows, T, classes).

        Frames are evenly spaced over a whole window; a shorter one is padded with silence.
        """
        audio = self.inputs.get(AudioInput)
        assert audio is not None, "it takes no audio"
        whole = [_padded(window.values[audio.name], audio.num_frames) for window in windows]
        with self.computing():
            scored: Any = self.model
            logits: Tensor = scored.frame_logits(**audio.batch(whole, self.device))
        found: Logits = logits.float().cpu().numpy()
        return found

    def logits(self, windows: Sequence[Window]) -> Logits:
        """The logits of windows of one file, (windows, classes); of each input that all windows have."""
        batch = self.inputs.batch(windows, self.device)
        audio = self.inputs.get(AudioInput)
        if audio and audio.name in batch and self.outputs.rolls > 1:
            waveforms = [window.values[audio.name] for window in windows]
            batch[f"{audio.name}_frames"] = audio.frames_of(waveforms).to(self.device)
        with self.computing():
            logits: Logits = logits_of(self.model, batch, self.outputs.rolls).float().cpu().numpy()
        return self.outputs.of_network(logits)

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """The probabilities of logits (N, classes)."""
        return self.outputs.probabilities(logits)

    def features(self, windows: Sequence[Window]) -> Vectors:
        """The features of windows, (windows, D).

        `both` is the feature that the model fuses; of a model that does not fuse, the two unit vectors one
        after the other, so that cosines are the means of those of audio and of video.

        Raises:
            BadInputError: the model gives no features, the windows lack a modality that is embedded, or a
                feature is not finite.
        """
        from avtool.models.encoder import need_encoder

        encoder = need_encoder(self.model, str(self.path))
        batch = self.inputs.batch(windows, self.device)
        if lacking := [one.noun for one in self.inputs if one.name not in batch]:
            message = f"it has no {lacking[0]}, which is embedded"
            raise BadInputError(message, "choose another --modality")
        with self.computing():
            found = encoder.embed(**batch)
        feature = found[self.modality] if self.modality in found else _joined(found)
        values: Vectors = feature.float().cpu().numpy()
        if not np.isfinite(values).all():
            raise BadInputError("the encoder gives features that are not finite", "train it again")
        return values

    def computing(self) -> Any:
        """The context of a forward pass: without gradients, in the precision of the runtime."""
        from contextlib import ExitStack

        import torch

        context = ExitStack()
        context.enter_context(torch.no_grad())
        context.enter_context(torch.autocast(self.device.type, self._half, enabled=self._half is not None))
        return context


def _padded(waveform: Vectors, length: int) -> Vectors:
    return np.pad(waveform, (0, max(0, length - len(waveform))))


def logits_of(model: "nn.Module", batch: "Mapping[str, Tensor]", rolls: int = 1) -> "Tensor":
    """The logits (B, classes) of a batch, with test-time augmentation by rotations in time.

    Args:
        model: its `inputs` name the entries of the batch that it takes.
        batch: what there is; `audio_frames`, (B,), are those that are no padding.
        rolls: evenly spaced rotations of the audio in time, whose logits are averaged; a model that was
            trained with rotations takes a window for a circle.
    """
    import torch

    from avtool.data.inputs.spec_augment import roll_frames

    inputs: tuple[str, ...] = model.inputs  # type: ignore[assignment]
    taken = {name: batch[name] for name in inputs if name in batch}
    if rolls == 1 or "audio" not in taken:
        return _logits(model, taken)
    audio = taken["audio"]
    frames = batch.get("audio_frames", torch.full((len(audio),), audio.shape[1], device=audio.device))
    shifts = [-(turn * frames // rolls) for turn in range(rolls)]
    rolled = (roll_frames(audio, shift, frames) for shift in shifts)
    found = [_logits(model, {**taken, "audio": one}).float() for one in rolled]
    return torch.stack(found).mean(dim=0)


def _logits(model: "nn.Module", taken: "Mapping[str, Tensor]") -> "Tensor":
    logits: Tensor = model(**taken).logits
    return logits


def _load(path: Path, random_seed: int | None) -> "tuple[nn.Module, ModelDescription]":
    from avtool.models.foreign import locate
    from avtool.models.load import build_model, load_model
    from avtool.models.model_folder import read_description
    from avtool.models.seeds import seed_everything

    if random_seed is None:
        loaded = load_model(path)
        return loaded.model, loaded.description
    description = read_description(locate(path))
    seed_everything(random_seed)
    return build_model(path, description).eval(), description


def _modality_of(inputs: InputSpec, path: Path) -> Modality:
    if {"audio", "video"} <= set(inputs.names):
        return "both"
    only: dict[str, Modality] = {"audio": "audio", "video": "video", "image": "image", "text": "text"}
    found = next((only[name] for name in inputs.names if name in only), None)
    if found is None:
        hint = "use `avtool predict`, or in Python `avtool.load_text_model`"
        raise BadInputError(f"`{path}` takes {' and '.join(inputs.names)}, no media", hint)
    return found


def _joined(features: "Mapping[str, Tensor]") -> "Tensor":
    import torch

    parts = [torch.nn.functional.normalize(feature.float(), dim=1) for feature in features.values()]
    joined: Tensor = torch.cat(parts, dim=1) / len(parts) ** 0.5
    return joined
