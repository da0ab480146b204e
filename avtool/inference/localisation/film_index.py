"""The index of a film: features of its frames and of its audio, computed once and memory-mapped."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import read_artifact
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import is_file, read_json, write_json
from avtool.core.paths import cache_folder
from avtool.data.inputs.content_hash import ContentHashes

CARD = "index.json"
"""Of an index: film, grid and encoders."""
AGAIN = "index the film again: avtool localize index FILM --out DIR"

Half = NDArray[np.float16]


@dataclass(frozen=True)
class StreamCard:
    """What computed the features of a modality.

    Attributes:
        encoder: as a user names it, from any working folder.
        weights: SHA-256 of its weights.
        tokens: of a frame.
        width: of a token.
        pooled: width of the one feature of a frame that the coarse index has.
        hop: seconds from one window of audio to the next; 0 for frames.
        window: seconds of a window of audio, where it is not that of the encoder's training; else 0.
    """

    encoder: str
    weights: str
    tokens: int
    width: int
    pooled: int
    hop: float = 0.0
    window: float = 0.0

    def describe(self) -> str:
        """The encoder, and the beginning of its weights' hash, which distinguishes two of a name."""
        return f"{self.encoder} ({self.weights[:12]})"


@dataclass(frozen=True)
class IndexCard:
    """What an index is of, as `index.json` has it.

    Attributes:
        film: its path.
        content: SHA-256 of the film.
        seconds: that the index covers.
        step: seconds of a frame.
        frame_size: (width, height) of the film in pixels, upright; (0, 0) without video.
        size: shorter side in pixels that frames were read at.
        grid: (rows, columns) of visual tokens; (0, 0) without video.
        visual, audio: what computed the features; None where the film, or the index, has none.
    """

    film: str
    content: str
    seconds: float
    step: float
    frame_size: tuple[int, int]
    size: int
    grid: tuple[int, int]
    visual: StreamCard | None
    audio: StreamCard | None

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Reads it back.

        Raises:
            KeyError, TypeError, ValueError: a value is absent or wrong.
        """
        streams = {
            name: StreamCard(**values[name]) if values[name] is not None else None
            for name in ("visual", "audio")
        }
        sides = {name: (int(values[name][0]), int(values[name][1])) for name in ("frame_size", "grid")}
        step = float(values["step"])
        if not step > 0:
            raise ValueError(f"a step of {step} s")
        return cls(**{**values, **streams, **sides, "step": step})


@dataclass(frozen=True)
class FilmIndex:
    """The features of one film on one grid in time, read from disk where they are used.

    Attributes:
        folder: of the artifact.
        card: what it is of.
        times: (N,) float64 seconds, the start of each frame.
        visual: (N, V, Cv) float16 tokens of each frame, row by row of the grid; None without.
        audio: (N, A, Ca) float16 tokens of the audio of each frame; None without.
        visual_pooled: (N, Cp) float16, one feature a frame: the coarse index.
        audio_pooled: (N, Ca) float16.
    """

    folder: Path
    card: IndexCard
    times: NDArray[np.float64]
    visual: Half | None
    audio: Half | None
    visual_pooled: Half | None
    audio_pooled: Half | None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def step(self) -> float:
        """Seconds of a frame."""
        return self.card.step

    @property
    def seconds(self) -> float:
        """That the index covers."""
        return len(self.times) * self.step

    @property
    def film(self) -> Path:
        """The film."""
        return Path(self.card.film)

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) of the film in pixels."""
        return self.card.frame_size

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of the visual tokens; (0, 0) without video."""
        return self.card.grid

    @property
    def visual_encoder(self) -> str:
        """What computed the visual tokens, with the hash of its weights; empty without."""
        return self.card.visual.describe() if self.card.visual else ""

    @property
    def audio_encoder(self) -> str:
        """What computed the audio tokens, with the hash of its weights; empty without."""
        return self.card.audio.describe() if self.card.audio else ""

    def need(self, *, step: float | None = None, visual: str | None = None, audio: str | None = None) -> None:
        """Makes sure that the index is what a model was trained on.

        Args:
            step: seconds of a frame.
            visual: SHA-256 of the visual encoder's weights, or of the beginning of it.
            audio: of the audio encoder's.

        Raises:
            BadInputError: another frame rate, or other encoders; the message has both values.
        """
        if step is not None and abs(step - self.step) > 1e-6 * step:
            message = f"`{self.folder}` has {1 / self.step:g} frames per second, {1 / step:g} are needed here"
            raise BadInputError(message, f"{AGAIN} --fps {1 / step:g}")
        for noun, wanted, found in (("visual", visual, self.card.visual), ("audio", audio, self.card.audio)):
            if not wanted or found is None or found.weights.startswith(wanted):
                continue
            message = (
                f"`{self.folder}` was made by the {noun} encoder {found.describe()}, not by {wanted[:12]}"
            )
            raise BadInputError(message, f"{AGAIN} --{noun}-encoder ENCODER")

    def of_film(self, film: Path) -> "FilmIndex":
        """The same for another file with the same content."""
        return replace(self, card=replace(self.card, film=str(film.absolute())))

    def check_film(self) -> None:
        """Makes sure that the film, where it is still there, is the one that was indexed.

        Raises:
            BadInputError: it has changed; the message has both hashes.
        """
        if not is_file(self.film):
            return
        hashes = ContentHashes(cache_folder() / "media-hashes.json")
        found = hashes.of(self.film)
        hashes.save()
        if found != self.card.content:
            message = (
                f"`{self.film}` has changed since `{self.folder}` was made of it (SHA-256 "
                f"{self.card.content[:12]} then, {found[:12]} now)"
            )
            raise BadInputError(message, AGAIN)


def is_index(folder: Path) -> bool:
    """Whether a folder is the index of a film."""
    return is_file(folder / CARD)


def open_index(folder: Path) -> FilmIndex:
    """Opens the index of a film, memory-mapped and read-only.

    Raises:
        BadInputError: the folder is no index.
        CorruptArtifactError: it is damaged.
    """
    if not is_index(folder):
        raise BadInputError(f"`{folder}` is no index of a film (no {CARD})", AGAIN)
    read_artifact(folder, "features")
    try:
        card = IndexCard.from_json(read_json(folder / CARD))
        times = np.load(folder / "times.npy", allow_pickle=False)
        arrays = {
            name: _mapped(folder / f"{name}.npy", len(times), shape) for name, shape in _shapes(card).items()
        }
    except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
        reason = " ".join(str(error).split())[:120]
        raise CorruptArtifactError(f"the index `{folder}` is damaged ({reason})", AGAIN) from error
    return FilmIndex(folder, card, times, **arrays)


def check_finite(values: NDArray[Any], noun: str) -> None:
    """Refuses what was read or computed of an index where it is not finite.

    Args:
        values: features of a film, or scores of them.
        noun: what they are, for the message.

    Raises:
        CorruptArtifactError: one is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise CorruptArtifactError(f"the index is damaged ({noun} that are not finite)", AGAIN)


def write_card(folder: Path, card: IndexCard) -> None:
    """Writes `index.json`."""
    write_json(folder / CARD, asdict(card))


def _shapes(card: IndexCard) -> dict[str, tuple[int, ...] | None]:
    """The arrays of an index and the shapes of their rows; None for those that it has not."""
    found: dict[str, tuple[int, ...] | None] = {}
    for name, stream in (("visual", card.visual), ("audio", card.audio)):
        found[name] = (stream.tokens, stream.width) if stream else None
        found[f"{name}_pooled"] = (stream.pooled,) if stream else None
    return found


def _mapped(path: Path, rows: int, shape: tuple[int, ...] | None) -> Half | None:
    if shape is None:
        return None
    values: Half = np.load(path, mmap_mode="r", allow_pickle=False)
    if values.shape != (rows, *shape) or values.dtype != np.float16:
        raise ValueError(f"{path.name} is {values.shape} {values.dtype}, not {(rows, *shape)} float16")
    return values
