"""Streams of features of films, on one grid in time: by encoders, computed once, or from files of others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.recipe import identity
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings
from avtool.data.items import Item
from avtool.inference.dense_captioning.film_features import (
    Features,
    FilmFeatures,
    Parts,
    cached_features,
    checked,
)

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor

LOG_MEL = "log-mel"
"""The source of a stream of spectrograms."""
_MEL = AudioSettings(kind="log-mel", num_mel_bins=64, low_frequency=60.0, high_frequency=7800.0)
_BATCH = 32
_TOLERANCE = 0.02  # of a step


@dataclass(frozen=True)
class StoredStream:
    """Features that others made: a file a film, `ID.npy` of (steps, width), or `ID.npz` with times.

    Attributes:
        name: of the stream.
        folder: where they are.
        step: seconds from one step of a `.npy` file to the next.
        dim: width that a model expects, or None.
    """

    name: str
    folder: Path
    step: float
    dim: int | None = None

    def of(self, film: Item, reporter: Reporter) -> FilmFeatures:  # noqa: ARG002
        """The features of a film, by the stem of its name.

        Raises:
            BadInputError: there are none, or they cannot be used.
        """
        stem = Path(film.name).stem
        names = [f"{stem}.npy", f"{stem}.npz", f"{stem.removeprefix('v_')}.npy"]
        path = next((self.folder / name for name in names if (self.folder / name).is_file()), None)
        if path is None:
            message = f"no features for `{stem}` (stream {self.name}) in `{self.folder}`"
            raise BadInputError(
                message, f"put {stem}.npy there, or give an encoder: data.streams.{self.name}"
            )
        stored = path.suffix == ".npz"
        try:
            if stored:
                with np.load(path, allow_pickle=False) as arrays:
                    values, times = arrays["values"].astype(np.float16), arrays["times"].astype(np.float64)
            else:
                values = np.load(path, mmap_mode="r", allow_pickle=False)
                times = (np.arange(len(values)) + 0.5) * self.step
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise BadInputError(f"`{path}` holds no features ({reason})", "make it again") from error
        if stored and len(times) > 1:
            self._check_step(times, path)
        found = FilmFeatures(values, times, f"stream {self.name} of `{stem}`")
        return checked(found, self.dim, f"`{path}`")

    def _check_step(self, times: NDArray[np.float64], path: Path) -> None:
        step = float(np.median(np.diff(times)))
        if abs(step - self.step) > _TOLERANCE * self.step:
            message = f"`{path}` has a step of {step:g} s, the model's is {self.step:g} s"
            raise BadInputError(message, "set data.feature_step, or make the features again")

    def width(self, film: Item) -> int:
        """The width of the features, by those of a film."""
        from avtool.core.reporter import Silent

        return int(self.of(film, Silent()).values.shape[1])

    def inputs(self, films: Sequence[str]) -> list[Input]:
        """The files of some films, by content."""
        paths = (self.folder / f"{Path(film).stem}{suffix}" for film in films for suffix in (".npy", ".npz"))
        return [Input(str(path), "features", sha256_of(path)) for path in paths if path.is_file()]

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return {"name": self.name, "dim": self.dim, "folder": str(self.folder), "step": self.step}


@dataclass(frozen=True)
class EncodedStream:
    """Features by an encoder of ours, of published weights, or of a hub, cached by content and settings.

    Attributes:
        name: of the stream.
        encoder: a model, a run, a checkpoint, or weights of others.
        hop: seconds from one feature to the next.
        dim: width that a model expects, or None.
        runtime: device and precision.
    """

    name: str
    encoder: Path
    hop: float
    dim: int | None = None
    runtime: RuntimeRecipe = field(default_factory=RuntimeRecipe)

    @cached_property
    def weights(self) -> str:
        """The hash of the encoder's weights.

        Raises:
            BadInputError: the path holds no model.
        """
        from avtool.models.foreign import locate
        from avtool.models.model_files import WEIGHTS

        return sha256_of(locate(self.encoder) / WEIGHTS)

    def of(self, film: Item, reporter: Reporter) -> FilmFeatures:
        """The features of a film: from the cache, or computed now.

        Raises:
            BadInputError: it cannot be read, or has nothing that the encoder takes.
        """
        settings = {"weights": self.weights, "hop": self.hop, "runtime": identity(self.runtime)}
        name = f"stream {self.name} of `{film.name}`"
        return cached_features(film, settings, lambda: self._parts(film, reporter), name, self.dim)

    @cached_property
    def _predictor(self) -> "Predictor":
        from avtool.core.reporter import Silent
        from avtool.inference.predictor import Predictor
        from avtool.models.encoder import need_encoder

        predictor = Predictor(self.encoder, self.runtime, Silent())
        need_encoder(predictor.model, str(self.encoder))
        return predictor

    def width(self, film: Item) -> int:  # noqa: ARG002 - the encoder alone decides
        """The width of the features, by what the encoder makes of noise."""
        import torch

        predictor = self._predictor
        generator = torch.Generator().manual_seed(0)
        noise = {
            name: value.to(predictor.device)
            for one in predictor.inputs
            for name, value in one.noise(1, generator).items()
        }
        with torch.no_grad():
            found = predictor.model.embed(**noise)  # type: ignore[operator]
        return int(found[predictor.modality].shape[1])

    def _parts(self, film: Item, reporter: Reporter) -> Parts:
        from avtool.inference.windows import in_batches, iter_windows

        predictor = self._predictor
        half = predictor.inputs.seconds / 2  # the last window is padded: its middle is that of a whole one
        for batch in in_batches(iter_windows(film, predictor.inputs, self.hop, reporter), _BATCH):
            times = np.array([window.start + half for window in batch], np.float64)
            yield predictor.features(batch), times

    def inputs(self, films: Sequence[str]) -> list[Input]:  # noqa: ARG002 - they are those of the dataset
        """The encoder's weights."""
        return [Input(str(self.encoder), "weights", self.weights)]

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`; the encoder lies beside the weights."""
        return {"name": self.name, "dim": self.dim, "encoder": asset_name(self.name), "step": self.hop}


@dataclass(frozen=True)
class SpectrogramStream:
    """Log-mel spectrograms: mean and maximum of each mel bin's frames, step by step, without any encoder.

    Attributes:
        name: of the stream.
        hop: seconds of a step.
        dim: width that a model expects, or None.
    """

    name: str
    hop: float
    dim: int | None = None

    def of(self, film: Item, reporter: Reporter) -> FilmFeatures:
        """The features of a film: from the cache, or computed now.

        Raises:
            BadInputError: it cannot be read, or has no audio.
        """
        settings = {"spectrogram": _MEL.model_dump(mode="json"), "hop": self.hop}
        name = f"stream {self.name} of `{film.name}`"
        return cached_features(film, settings, lambda: self._parts(film, reporter), name, self.dim)

    def width(self, film: Item) -> int:  # noqa: ARG002 - it is that of the settings
        """The width of the features."""
        return 2 * _MEL.num_mel_bins

    def _parts(self, film: Item, reporter: Reporter) -> Parts:
        import torch

        from avtool.data.inputs.spec import InputSpec
        from avtool.inference.windows import in_batches, iter_windows

        audio = AudioInput(_MEL, max(1, _MEL.num_steps(self.hop)), std=0.5, pad_waveform=True)  # unscaled
        for batch in in_batches(iter_windows(film, InputSpec((audio,)), self.hop, reporter), 8 * _BATCH):
            found = audio.batch([window.values[audio.name] for window in batch], torch.device("cpu"))
            frames = found[audio.name].numpy()
            values = np.concatenate([frames.mean(axis=1), frames.max(axis=1)], axis=1)
            yield values, np.array([window.start + audio.seconds / 2 for window in batch], np.float64)

    def inputs(self, films: Sequence[str]) -> list[Input]:  # noqa: ARG002 - they are those of the dataset
        """None beside the dataset."""
        return []

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return {"name": self.name, "dim": self.dim, "spectrogram": LOG_MEL, "step": self.hop}


Stream = StoredStream | EncodedStream | SpectrogramStream


def asset_name(stream: str) -> str:
    """The folder of a stream's encoder in a model's folder."""
    return f"encoders/{re.sub(r'[^A-Za-z0-9_-]', '_', stream)}"


def open_stream(
    name: str, source: Path, step: float, dim: int | None = None, runtime: RuntimeRecipe | None = None
) -> Stream:
    """A stream of log-mel spectrograms, of a folder of `.npy` or `.npz` files, or else of an encoder."""
    if str(source) == LOG_MEL:
        return SpectrogramStream(name, step, dim)
    if source.is_dir() and any(path.suffix in {".npy", ".npz"} for path in source.iterdir()):
        return StoredStream(name, source, step, dim)
    return EncodedStream(name, source, step, dim, runtime or RuntimeRecipe())


@dataclass(frozen=True)
class FilmStreams:
    """All streams of one film on the grid of a model.

    Attributes:
        parts: of each stream.
        step: seconds of the grid.
    """

    parts: Sequence[FilmFeatures]
    step: float

    @classmethod
    def of(cls, film: Item, streams: Sequence[Stream], step: float, reporter: Reporter) -> "FilmStreams":
        """The streams of a film.

        Raises:
            BadInputError: one cannot be computed or read.
        """
        return cls([stream.of(film, reporter) for stream in streams], step)

    @cached_property
    def steps(self) -> int:
        """Steps of the grid until the shortest stream ends."""
        ends = (part.times[-1] + np.diff(part.times[-2:]).sum() / 2 for part in self.parts)
        return max(1, int(np.ceil(min(ends) / self.step - 1e-6)))

    def window(self, first: int, count: int) -> tuple[Features, NDArray[np.bool_]]:
        """Steps from `first` on, (count, widths together), zeros after the end, and where there are any."""
        there = max(0, min(count, self.steps - first))
        width = sum(part.values.shape[1] for part in self.parts)
        values = np.zeros((count, width), np.float32)
        if there:
            values[:there] = np.concatenate(
                [part.on_grid(first, there, self.step) for part in self.parts], axis=1
            )
        return values, np.arange(count) < there
