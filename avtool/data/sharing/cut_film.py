"""The clips of one film, cut again as an export states them; a film that was cut before is kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import AvtoolError, CorruptArtifactError
from avtool.core.files import inside, read_json, sha256_of, write_json
from avtool.data.sharing.annotations import Film
from avtool.data.sharing.collect import SOURCES
from avtool.data.sharing.find_films import FoundFilm
from avtool.media.audio_cut import release_pages, write_clip
from avtool.media.audio_decode import decode_audio
from avtool.media.video_frames import save_frames
from avtool.mining.recipe import ClipRecipe


@dataclass(frozen=True, slots=True)
class Segment:
    """A clip to cut: its file relative to the dataset, film time in seconds, and the original's SHA-256."""

    media: str
    start: float
    end: float
    sha256: str


@dataclass(frozen=True)
class CutTask:
    """What a worker needs for one film: its number in the export, its place here, its clips, the settings."""

    folder: Path
    number: int
    film: Film
    found: FoundFilm
    segments: Sequence[Segment]
    clip: ClipRecipe


@dataclass(frozen=True)
class CutFilm:
    """How one film ended: clips, those that differ from the original ones, or what went wrong."""

    number: int
    clips: int = 0
    kept: bool = False
    differing: tuple[str, ...] = ()
    error: AvtoolError | None = None


def record_path(folder: Path, number: int) -> Path:
    """The record of a film in a dataset that was made again."""
    return folder / SOURCES / f"{number:06d}.json"


def cut_film(task: CutTask) -> CutFilm:
    """Cuts the clips of a film, and returns what went wrong; runs in a worker process."""
    try:
        earlier = _earlier(task)
        if earlier is not None:
            return CutFilm(task.number, len(task.segments), kept=True, differing=tuple(earlier))
        differing = _cut(task) if task.segments else ()
        write_record(task.folder, task.number, task.film, task.found, differing)
        return CutFilm(task.number, len(task.segments), differing=differing)
    except AvtoolError as error:
        return CutFilm(task.number, error=error)


def lost_film(task: CutTask, error: AvtoolError) -> CutFilm:
    """The outcome of a film that no worker process survived."""
    return CutFilm(task.number, error=error)


def write_record(
    folder: Path, number: int, film: Film, found: FoundFilm, differing: Sequence[str] = ()
) -> None:
    """Writes the record of a film whose clips are all there."""
    path = record_path(folder, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {"path": str(found.path), "same": found.same, "differing": list(differing)}
    write_json(path, {**values, "film": asdict(film)}, indent=None)


def _earlier(task: CutTask) -> Sequence[str] | None:
    """The clips that differed when the film was cut before; None where it was not, or from another file."""
    path = record_path(task.folder, task.number)
    if not path.is_file():
        return None
    record = read_json(path)
    same_file = record.get("path") == str(task.found.path) and record.get("same") == task.found.same
    if not same_file or not all((task.folder / one.media).is_file() for one in task.segments):
        return None
    differing: Sequence[str] = record["differing"]
    return differing


def _cut(task: CutTask) -> tuple[str, ...]:
    clip, film = task.clip, task.found.path
    audio = task.folder / f".{task.number:06d}.npy"
    try:
        track = decode_audio(film, audio, sample_rate=clip.sample_rate, stream=task.film.audio_stream)
        samples = track.open()
        differing = []
        for segment in task.segments:
            path = inside(task.folder, segment.media)
            start, end = write_clip(samples, clip.sample_rate, segment.start, segment.end, path)
            release_pages(samples)
            if sha256_of(path) != segment.sha256:
                differing.append(segment.media)
            if clip.frames_fps:
                save_frames(film, path.parent / "frames" / path.stem, start, end, clip.frames_fps)
        return tuple(differing)
    except ValueError as error:  # a name that no file can have
        raise CorruptArtifactError(f"the clips of `{film.name}` have no usable names ({error})") from error
    finally:
        audio.unlink(missing_ok=True)
