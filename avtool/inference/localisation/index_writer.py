"""Making the index of a film: frames and audio are encoded as they are decoded, and resumed after a kill."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import SETTINGS, discard_partial, open_partial, publish
from avtool.core.errors import BadInputError, DiskFullError
from avtool.core.files import read_json
from avtool.core.paths import cache_folder
from avtool.core.recipe import identity
from avtool.core.reporter import Reporter
from avtool.data.inputs.content_hash import ContentHashes
from avtool.data.media_files import streams_in
from avtool.inference.localisation.array_file import ArrayFile, is_whole
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.film_index import (
    FilmIndex,
    IndexCard,
    StreamCard,
    is_index,
    open_index,
    write_card,
)
from avtool.media.addresses import fetch
from avtool.media.audio_cut import release_pages
from avtool.media.probe import probe
from avtool.media.video_frames import iter_frames
from avtool.models.source import full_name

_ROWS = 512
"""Rows of the grid that are gathered from the windows of audio at a time."""


def write_index(
    film: Path,
    folder: Path,
    recipe: IndexRecipe,
    reporter: Reporter,
    *,
    encoders: Encoders | None = None,
    overwrite: bool = False,
    command: str = "localize index",
) -> FilmIndex:
    """Indexes a film; one that stands already, of the same content, settings and encoders, is opened.

    Frames that a killed run has encoded are kept; of a film that turns out to be unreadable, none. Memory
    does not grow with the film's length.

    Args:
        film: a file, or an address, which is fetched.
        folder: the artifact.
        recipe: rates, sizes, encoders.
        reporter: gets progress.
        encoders: of the recipe, where several films are indexed.
        overwrite: index again what was indexed with other settings.
        command: the command line, for the card.

    Raises:
        BadInputError: the film cannot be read or has nothing that the encoders take, or the folder holds an
            index of another film or other settings: the message has both.
        MissingError: an encoder is not on this machine.
    """
    film = fetch(str(film))
    if not film.is_file():
        raise BadInputError(f"`{film}` does not exist", "check the path")
    job = _Job.plan(film, encoders or Encoders(recipe, reporter))
    if not overwrite and is_index(folder) and _stored_settings(folder) == job.settings:
        return open_index(folder)
    partial = open_partial(folder, job.settings, kind="features", overwrite=overwrite, inputs=[film])
    try:
        card = job.write(partial, reporter)
    except DiskFullError:
        raise  # what there is room for is resumed
    except BadInputError:
        discard_partial(partial)
        raise
    write_card(partial, card)
    weights = [
        Input(stream.encoder, "weights", stream.weights) for stream in (card.visual, card.audio) if stream
    ]
    inputs = [Input(str(film), "film", card.content), *weights]
    publish(folder, Artifact("features", command, job.settings, inputs=inputs))
    return open_index(folder)


def index_settings(film: Path, encoders: Encoders) -> dict[str, Any]:
    """What decides the index of a film: equal settings give equal indexes."""
    return _Job.plan(film, encoders).settings


def _stored_settings(folder: Path) -> Any:
    path = folder / SETTINGS
    return read_json(path) if path.is_file() else None


@dataclass(frozen=True)
class _Job:
    """The indexing of one film."""

    film: Path
    encoders: Encoders
    content: str
    has_video: bool
    has_audio: bool

    @classmethod
    def plan(cls, film: Path, encoders: Encoders) -> "_Job":
        hashes = ContentHashes(cache_folder() / "media-hashes.json")
        content = hashes.of(film)
        hashes.save()
        streams = streams_in(film)
        video = streams.video and encoders.visual_path is not None
        audio = streams.audio and encoders.audio_path is not None
        if not (video or audio):
            has = " and ".join(noun for noun in ("video", "audio") if getattr(streams, noun)) or "neither"
            message = f"`{film}` has {has}, and no encoder is given for it"
            raise BadInputError(message, "give --visual-encoder or --audio-encoder")
        return cls(film, encoders, content, video, audio)

    @property
    def settings(self) -> dict[str, Any]:
        recipe = self.encoders.recipe
        return {
            "command": "localize index",
            "content": self.content,
            "visual_weights": self.encoders.visual().weights[:16] if self.has_video else None,
            "audio_weights": self.encoders.audio().weights[:16] if self.has_audio else None,
            "recipe": identity(recipe),
        }

    def write(self, partial: Path, reporter: Reporter) -> IndexCard:
        """Writes the arrays, and gives the card."""
        recipe = self.encoders.recipe
        step, size, grid = 1 / recipe.fps, (0, 0), (0, 0)
        visual = audio = None
        rows = 0
        if self.has_video:
            stream = next(one for one in probe(self.film).video if not one.cover)
            size = stream.width, stream.height
            visual, grid, rows = self._write_frames(partial, size, reporter)
        if self.has_audio:
            audio, rows = self._write_audio(partial, rows, reporter)
        if self.has_video:
            for name in ("visual", "visual_pooled"):
                _repeat_last(partial / f"{name}.npy", rows)
        np.save(partial / "times.npy", np.arange(rows) * step)
        return IndexCard(
            str(self.film.absolute()), self.content, rows * step, step, size, recipe.size, grid, visual, audio
        )

    def _write_frames(
        self, partial: Path, size: tuple[int, int], reporter: Reporter
    ) -> tuple[StreamCard, tuple[int, int], int]:
        recipe, encoder = self.encoders.recipe, self.encoders.visual()
        shape = encoder.read_size(*size)
        trial = encoder.encode(np.zeros((1, *shape, 3), np.uint8))
        (tokens, width), pooled = trial.tokens.shape[1:], trial.pooled.shape[1]
        card = StreamCard(full_name(encoder.path), encoder.weights, tokens, width, pooled)
        files = partial / "visual.npy", partial / "visual_pooled.npy"
        if all(map(is_whole, files)):
            return card, trial.grid, len(np.load(files[0], mmap_mode="r"))
        with (
            ArrayFile(files[0], (tokens, width)) as grids,
            ArrayFile(files[1], (pooled,)) as features,
            reporter.progress("encoding frames", _total(self.film, recipe.fps)) as bar,
        ):
            first = min(grids.rows, features.rows)
            grids.cut(first)
            features.cut(first)
            bar.advance(first)
            for images in self._frames(shape, first / recipe.fps, reporter):
                found = encoder.encode(images)
                grids.append(found.tokens)
                features.append(found.pooled)
                bar.advance(len(images))
            return card, trial.grid, grids.rows

    def _frames(
        self, shape: tuple[int, int], start: float, reporter: Reporter
    ) -> Iterator[NDArray[np.uint8]]:
        recipe = self.encoders.recipe
        frames = iter_frames(self.film, fps=recipe.fps, start=start, size=shape, threads=1, reporter=reporter)
        while batch := list(islice(frames, recipe.batch_size)):
            yield np.stack([frame for _, frame in batch])

    def _write_audio(self, partial: Path, rows: int, reporter: Reporter) -> tuple[StreamCard, int]:
        """Encodes the windows of audio, then gathers those that are nearest to each frame."""
        encoder, step = self.encoders.audio(), 1 / self.encoders.recipe.fps
        raw = partial / "windows.npy"
        raw.unlink(missing_ok=True)
        middles, end, width = [], 0.0, 0
        store: ArrayFile | None = None
        with reporter.progress("encoding audio", _total(self.film, 1.0)) as bar:
            for windows, features in encoder.encode_film(self.film, reporter):
                width = features.shape[1]
                store = store or ArrayFile(raw, (width,))
                store.append(features)
                middles += [window.start + encoder.seconds / 2 for window in windows]
                bar.advance(windows[-1].end - end)
                end = windows[-1].end
        assert store is not None, "a film with audio has a window"
        store.close()
        tokens = max(1, round(step / encoder.hop))
        rows = max(rows, 1, round(end / step))  # audio may end a little after the last frame
        _gather(np.load(raw, mmap_mode="r"), np.array(middles), partial, rows, tokens, step)
        raw.unlink()
        window = self.encoders.recipe.audio_window or 0.0
        card = StreamCard(full_name(encoder.path), encoder.weights, tokens, width, width, encoder.hop, window)
        return card, rows


def _gather(
    windows: NDArray[np.float16],
    middles: NDArray[np.float64],
    partial: Path,
    rows: int,
    tokens: int,
    step: float,
) -> None:
    """Writes the tokens of each frame: of the windows whose middles are nearest to its parts."""
    width = windows.shape[1]
    paths = partial / "audio.npy", partial / "audio_pooled.npy"
    for path in paths:
        path.unlink(missing_ok=True)
    with ArrayFile(paths[0], (tokens, width)) as grid, ArrayFile(paths[1], (width,)) as pooled:
        for first in range(0, rows, _ROWS):
            numbers = np.arange(first, min(rows, first + _ROWS))
            times = (numbers[:, None] + (np.arange(tokens) + 0.5) / tokens) * step
            after = np.searchsorted(middles, times).clip(max=len(middles) - 1)
            before = (after - 1).clip(min=0)
            near = np.where(times - middles[before] <= middles[after] - times, before, after)
            found = np.asarray(windows[near.reshape(-1)], np.float32).reshape(*near.shape, width)
            grid.append(found)
            pooled.append(found.mean(axis=1))
            release_pages(windows)


def _repeat_last(path: Path, rows: int) -> None:
    """Audio after the last frame is beside that frame."""
    values = np.load(path, mmap_mode="r")
    if len(values) < rows:
        last = np.asarray(values[-1:])
        with ArrayFile(path, values.shape[1:]) as file:
            file.cut(len(values))
            for _ in range(rows - len(values)):
                file.append(last)


def _total(film: Path, rate: float) -> float | None:
    seconds = probe(film).duration_s
    return None if seconds is None else seconds * rate
