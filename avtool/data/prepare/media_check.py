"""Looks at a medium: what it holds, whether it decodes, where it is silent; and copies it where wanted."""

import json
import shutil
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from avtool.core.errors import AvtoolError, BadInputError, DiskFullError, MissingError
from avtool.core.files import atomic_file, outside_problem
from avtool.core.reporter import Recorder, Reporter
from avtool.data.media_files import local_media
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.media.audio_cut import writing_audio
from avtool.media.audio_decode import SILENT, iter_audio
from avtool.media.probe import probe
from avtool.media.still_images import is_image, read_image
from avtool.media.transcode import transcode_short_gop
from avtool.media.video_frames import read_frames

_RATE = 16000
_CELL = 160  # samples: silence is looked for in steps of 10 ms

_TRIM = 1.0  # a file that is at most this much longer than its clip holds just the clip

Span = tuple[float, float | None]
"""From where to where, in seconds; None for the end."""


@dataclass(frozen=True, slots=True)
class SpanRule:
    """How listed times are to be understood.

    Attributes:
        cut_files: whether a file may hold just the clip, although its times are those in the whole film.
        fixed_length: whether a clip keeps its length where its file is shorter.
    """

    cut_files: bool = False
    fixed_length: bool = False

    def resolve(self, span: Span, duration: float) -> tuple[float, float]:
        """From where to where a clip is in a file of this duration."""
        start, end = span
        if end is None:
            return start, duration
        if self._is_cut(span, duration):
            return 0.0, duration
        return start, end if self.fixed_length else min(end, duration)

    def cut_off(self, span: Span, duration: float) -> float:
        """Seconds of a listed clip that its file does not have, although it should."""
        end = span[1]
        if end is None or self.fixed_length or self._is_cut(span, duration):
            return 0.0
        return max(0.0, end - duration)

    def _is_cut(self, span: Span, duration: float) -> bool:
        """Whether the file holds just the clip, and its times are those in the whole film."""
        start, end = span
        return self.cut_files and end is not None and duration <= end - start + _TRIM


@dataclass(frozen=True, slots=True)
class MediaTask:
    """A medium to look at.

    Attributes:
        media: absolute path or address.
        spans: its clips, as they are listed.
        rule: how these times are to be understood.
        copy: where to put a copy, without its suffix; None for no copy.
        recipe: the settings.
    """

    media: str
    spans: tuple[Span, ...]
    rule: SpanRule
    copy: Path | None
    recipe: PrepareRecipe


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What was found.

    Attributes:
        media: absolute path or address.
        size: bytes.
        modified: time of the last change, in nanoseconds.
        spans: the clips that were listened to, as they are listed.
        duration: seconds.
        has_audio, has_video: what it holds.
        silent: the places in `spans` of clips that are digital silence.
        damage: what is wrong with the audio, although it can be used.
        copy: name of the copy's file, or "".
        error: why it cannot be used, or "".
    """

    media: str
    size: int = 0
    modified: int = 0
    spans: tuple[Span, ...] = ()
    duration: float = 0.0
    has_audio: bool = False
    has_video: bool = False
    silent: tuple[int, ...] = ()
    damage: tuple[str, ...] = ()
    copy: str = ""
    error: str = ""

    def holds_for(self, task: MediaTask) -> bool:
        """Whether looking again would find the same: the same file, and the same clips."""
        if self.error or self.spans != task.spans:
            return False
        if task.copy and not (self.copy and task.copy.with_name(self.copy).is_file()):
            return False
        try:
            stat = local_media(Path(), self.media).stat()
        except (OSError, AvtoolError):
            return False
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.modified)

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "MediaFacts":
        """The inverse of `to_line`, from parsed JSON."""
        spans = tuple((float(start), None if end is None else float(end)) for start, end in values["spans"])
        tuples = {name: tuple(values[name]) for name in ("silent", "damage")}
        return cls(**{**values, "spans": spans, **tuples})


def read_facts(path: Path) -> dict[str, MediaFacts]:
    """Earlier facts, by medium; lines that a crash cut short are skipped."""
    facts = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found = MediaFacts.from_values(json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue
            facts[found.media] = found
    return facts


def check_all(tasks: Sequence[MediaTask]) -> list[MediaFacts]:
    """The facts of some media, one after the other, the problems of each among them. Runs in a worker."""
    return [_check_safely(task) for task in tasks]


def _check_safely(task: MediaTask) -> MediaFacts:
    try:
        return check(task)
    except (MissingError, DiskFullError):
        raise  # everything that follows would fail alike
    except AvtoolError as error:
        return MediaFacts(task.media, error=error.message)
    except Exception as error:  # noqa: BLE001 - our own mistake over one file must not lose the others
        if isinstance(error, OSError) and (problem := outside_problem(error)):
            return MediaFacts(task.media, error=problem.message)
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return MediaFacts(task.media, error=f"internal error: {type(error).__name__}: {error} ({place})")


def check(task: MediaTask) -> MediaFacts:
    """Looks at one medium.

    Raises:
        BadInputError: it cannot be read, or holds neither audio nor video.
    """
    path = local_media(Path(), task.media)
    if is_image(path):
        return _check_image(path, task)
    info = probe(path)
    stat = path.stat()
    has_video = any(not stream.cover and stream.codec != "unknown" for stream in info.video)
    if not (info.audio or has_video):
        raise BadInputError(f"`{path}` holds neither audio nor video")
    duration = info.duration_s or 0.0
    silent: tuple[int, ...] = ()
    heard = Recorder()
    if task.recipe.check == "decode":
        if has_video:
            read_frames(path, [task.spans[0][0]], size=16, threads=1)
        if info.audio:
            loud, length, stopped = _listen(path, task.spans, heard)
            duration = max(duration, length) if has_video or stopped else length
            spans = (task.rule.resolve(span, duration) for span in task.spans)
            silent = tuple(place for place, span in enumerate(spans) if not _cells(loud, span).any())
    if not duration:
        listened = task.recipe.check == "decode" and not has_video
        raise BadInputError(
            f"`{path}` lasts 0 s" if listened else f"`{path}` has no duration", "convert it first"
        )
    copy = _copy(path, task.copy, task.recipe, has_video=has_video) if task.copy else ""
    damage = [text.removeprefix(f"{path.name}: ") for text in heard.warnings]
    return MediaFacts(
        task.media,
        stat.st_size,
        stat.st_mtime_ns,
        task.spans,
        round(duration, 6),
        bool(info.audio),
        has_video,
        silent,
        tuple(text for text in damage if text != SILENT),
        copy,
    )


def _check_image(path: Path, task: MediaTask) -> MediaFacts:
    """Looks at a photograph, which counts as a second of video; its copy is the file as it is."""
    if task.recipe.check == "decode":
        read_image(path)
    stat, copy = path.stat(), ""
    if task.copy:
        copy = task.copy.name + path.suffix.lower()
        with atomic_file(task.copy.with_name(copy)) as partial:
            shutil.copyfile(path, partial)
    return MediaFacts(
        task.media, stat.st_size, stat.st_mtime_ns, task.spans, duration=1.0, has_video=True, copy=copy
    )


def _listen(path: Path, spans: Iterable[Span], heard: Reporter) -> tuple[NDArray[np.bool_], float, bool]:
    """Where the audio is no digital silence, by cell; how far was listened; whether there was more.

    Damage is reported where all of the audio was decoded.
    """
    ends = [end for _, end in spans]
    last = None if None in ends else max(end for end in ends if end is not None)
    cells, rest, done = [], np.zeros(0, np.int16), 0
    for block in iter_audio(path, _RATE, reporter=heard):
        done += block.size
        rest = np.concatenate([rest, block])
        whole = rest.size // _CELL * _CELL
        cells.append(rest[:whole].reshape(-1, _CELL).any(axis=1))
        rest = rest[whole:]
        if last is not None and done > last * _RATE:
            break
    else:
        last = None
    cells.append(np.array([rest.any()]))
    return np.concatenate(cells), done / _RATE, last is not None


def _cells(loud: NDArray[np.bool_], span: tuple[float, float]) -> NDArray[np.bool_]:
    start, end = span
    return loud[int(start * _RATE) // _CELL : -(-int(end * _RATE) // _CELL)]


def _copy(path: Path, stem: Path, recipe: PrepareRecipe, *, has_video: bool) -> str:
    """Writes the copy; returns its file name."""
    target = stem.with_name(stem.name + (".mp4" if has_video else ".flac"))
    settings = recipe.copies
    if has_video:
        transcode_short_gop(
            path, target, height=settings.height, gop=settings.gop, sample_rate=settings.sample_rate
        )
        return target.name
    with (
        atomic_file(target) as partial,
        writing_audio(partial),
        soundfile.SoundFile(partial, "w", settings.sample_rate, 1, subtype="PCM_16", format="FLAC") as file,
    ):
        for block in iter_audio(path, settings.sample_rate):
            file.write(block)
    return target.name
