"""Streams of features of films, on one grid in time: by encoders, computed once, or from files of others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import Input, settings_hash
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import read_json, sha256_of, write_json, writing
from avtool.core.parallel import one_at_a_time
from avtool.core.paths import cache_folder
from avtool.core.recipe import identity
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.content_hash import ContentHashes
from avtool.data.items import Item

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor

Features = NDArray[np.float32]
_BATCH = 32
_CARD, _VALUES, _TIMES = "card.json", "values.f16", "times.f64"
_TOLERANCE = 0.02  # of a step


@dataclass(frozen=True)
class FilmFeatures:
    """Features of one film.

    Attributes:
        values: (N, D) float16, on disk until they are read.
        times: (N,) seconds, ascending: of the middle of what each was computed from.
        name: of the film and its stream, for messages.
    """

    values: NDArray[np.float16]
    times: NDArray[np.float64]
    name: str

    def on_grid(self, first: int, count: int, step: float) -> Features:
        """The features of `count` steps of `step` seconds from number `first` on, (count, D) float32.

        A step has the mean of the features inside it; without any it has the nearest.
        """
        edges = (first + np.arange(count + 1)) * step
        bounds = np.searchsorted(self.times, edges)
        offset = max(0, int(bounds[0]) - 1)
        taken = np.asarray(self.values[offset : bounds[-1] + 1], np.float32)
        inside = taken[: max(1, bounds[-1] - offset)]
        sums = np.add.reduceat(inside, np.minimum(bounds[:-1] - offset, len(inside) - 1))
        counts = np.diff(bounds)[:, None]
        middle = (edges[:-1] + edges[1:]) / 2
        last = len(self.times) - 1
        after = np.clip(np.searchsorted(self.times, middle), 1, max(last, 1)).clip(max=last)
        before = np.maximum(after - 1, 0)
        nearest = np.where(middle - self.times[before] <= self.times[after] - middle, before, after)
        near = taken[np.clip(nearest - offset, 0, len(taken) - 1)]
        found: Features = np.where(counts > 0, sums / np.maximum(counts, 1), near)
        return found


def _checked(features: FilmFeatures, dim: int | None, origin: str) -> FilmFeatures:
    """The same, if nothing is wrong with it.

    Raises:
        BadInputError: it has no steps, another width, a value that is no number, or no ascending times.
    """
    values, times = features.values, features.times
    if values.ndim != 2 or len(values) == 0 or len(times) != len(values) or np.any(np.diff(times) <= 0):
        message = f"{origin} does not hold (steps, width) features with ascending times"
        raise BadInputError(message, "make them again")
    if dim is not None and values.shape[1] != dim:
        message = f"{features.name} has {values.shape[1]} columns, the model expects {dim}"
        raise BadInputError(message, "give the features that it was trained on")
    for start in range(0, len(values), 4096):
        bad = np.flatnonzero(~np.isfinite(values[start : start + 4096]).all(axis=1))
        if len(bad):
            message = f"{features.name} is not finite at step {start + bad[0]} ({origin})"
            raise BadInputError(message, "make the features again")
    return features


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
        return _checked(found, self.dim, f"`{path}`")

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
        path = film.ready()
        hashes = ContentHashes(cache_folder() / "media-hashes.json")
        card = {
            "content": hashes.of(path),
            "weights": self.weights,
            "hop": self.hop,
            "runtime": identity(self.runtime),
        }
        span = [film.clip.start, film.clip.end] if film.clip else []
        hashes.save()
        folder = cache_folder() / f"streams-{settings_hash([card, span])}"
        with one_at_a_time(folder):  # of processes that train together one computes
            if not (folder / _CARD).is_file():
                self._compute(film, folder, card, reporter)
        width = read_json(folder / _CARD)["width"]
        try:
            values = np.memmap(folder / _VALUES, np.float16, "r").reshape(-1, width)
            times = np.fromfile(folder / _TIMES, np.float64)
        except (OSError, ValueError) as error:
            raise CorruptArtifactError(f"`{folder}` is damaged ({error})", "remove it") from error
        found = FilmFeatures(values, times, f"stream {self.name} of `{film.name}`")
        return _checked(found, self.dim, f"`{folder}`")

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

    def _compute(self, film: Item, folder: Path, card: Mapping[str, Any], reporter: Reporter) -> None:
        """Writes the features of a film as they come, so that memory does not grow with its length."""
        from avtool.inference.windows import in_batches, iter_windows

        predictor, width = self._predictor, 0
        windows = iter_windows(film, predictor.inputs, self.hop, reporter)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / _VALUES).open("wb") as values, (folder / _TIMES).open("wb") as times:
                for batch in in_batches(windows, _BATCH):
                    features = predictor.features(batch)
                    width = features.shape[1]
                    features.astype(np.float16).tofile(values)
                    # the last window is padded: its middle is that of a whole one
                    half = predictor.inputs.seconds / 2
                    np.array([window.start + half for window in batch], np.float64).tofile(times)
        write_json(folder / _CARD, {**card, "width": width})

    def inputs(self, films: Sequence[str]) -> list[Input]:  # noqa: ARG002 - they are those of the dataset
        """The encoder's weights."""
        return [Input(str(self.encoder), "weights", self.weights)]

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`; the encoder lies beside the weights."""
        return {"name": self.name, "dim": self.dim, "encoder": asset_name(self.name), "step": self.hop}


Stream = StoredStream | EncodedStream


def asset_name(stream: str) -> str:
    """The folder of a stream's encoder in a model's folder."""
    return f"encoders/{re.sub(r'[^A-Za-z0-9_-]', '_', stream)}"


def open_stream(
    name: str, source: Path, step: float, dim: int | None = None, runtime: RuntimeRecipe | None = None
) -> Stream:
    """A stream of a folder of `.npy` or `.npz` files, or else of an encoder."""
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
