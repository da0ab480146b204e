"""Queries: a sentence, a label, an image crop, or a sound clip; how they are given and what is refused."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import is_file
from avtool.data.queries.table import Kind, QueryRow, QueryTable
from avtool.media.still_images import is_image, read_image

if TYPE_CHECKING:
    from avtool.inference.localisation.film_index import FilmIndex

Image = NDArray[np.uint8]  # (height, width, 3), RGB
Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels."""

LEAST_SIDE = 16
"""Pixels of an image query's sides."""
LEAST_SECONDS = 0.1
"""Of an audio query."""
_MOST_PIXELS = 1e6
"""Of a number in a box; NaN and infinity are none."""
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)")
_NEEDS = {"image": "video", "audio": "audio"}
"""The modality of a film that a kind of query needs."""
_OFFERS = {
    "video": "--image, --frame with --box, and --text or --label for what is seen",
    "audio": "--audio, and --text or --label for what is audible",
}


@dataclass(frozen=True)
class SoundClip:
    """A part of a file's audio, in seconds; without an end, up to that of the file."""

    path: Path
    start: float = 0.0
    end: float | None = None


@dataclass(frozen=True)
class Query:
    """What is looked for in a film.

    Attributes:
        kind: `image`, `text`, `label` or `audio`.
        content: the text or label; an image (H, W, 3) of RGB bytes; or a part of a file's audio.
        name: for tables and pages: the text, or what names the image or the sound.
        frame: that an image was cut out of, (H, W, 3); None where that is not known.
        box: of the image in its frame.
    """

    kind: Kind
    content: "str | Image | SoundClip"
    name: str
    frame: "Image | None" = None
    box: "Box | None" = None

    @classmethod
    def of_row(cls, table: QueryTable, row: QueryRow) -> "Query":
        """The query of a row of a query table.

        Raises:
            BadInputError: it cannot be read, or is too small.
        """
        if row.kind == "text":
            return text_query(row.query)
        if row.kind == "label":
            return label_query(row.query)
        path = table.query_file(row)
        if row.kind == "audio":
            return audio_query(SoundClip(path, row.query_start or 0.0, row.query_end))
        if row.query_box is not None:
            return frame_query(path, row.query_start or 0.0, row.query_box)
        return image_query(path)

    @property
    def image(self) -> Image:
        """The content of an image query."""
        assert isinstance(self.content, np.ndarray), self.kind
        return self.content

    @property
    def text(self) -> str:
        """The content of a text or label query."""
        assert isinstance(self.content, str), self.kind
        return self.content

    @property
    def clip(self) -> SoundClip:
        """The content of an audio query."""
        assert isinstance(self.content, SoundClip), self.kind
        return self.content

    def need_modality(self, index: "FilmIndex") -> None:
        """Makes sure that an index has what the query is compared with.

        Raises:
            BadInputError: it has not; the message has what would still work.
        """
        needed = _NEEDS.get(self.kind)
        there = {"video": index.visual is not None, "audio": index.audio is not None}
        if needed is None or there[needed]:
            return
        other = "audio" if needed == "video" else "video"
        message = f"`{index.card.film}` has no {needed} in its index, which {_article(self.kind)} query needs"
        raise BadInputError(message, f"it has {other}: use {_OFFERS[other]}")


def text_query(text: str) -> Query:
    """A sentence.

    Raises:
        BadInputError: it is empty.
    """
    plain = " ".join(text.split())
    if not plain:
        raise BadInputError("the text of the query is empty", 'write what to find: --text "a door slams"')
    return Query("text", plain, plain)


def label_query(label: str) -> Query:
    """The name of a class.

    Raises:
        BadInputError: it is empty.
    """
    plain = " ".join(label.split())
    if not plain:
        raise BadInputError("the label of the query is empty", "name a class: --label Bark")
    return Query("label", plain, plain)


def image_query(path: Path) -> Query:
    """An image file.

    Raises:
        BadInputError: it cannot be read, or is too small.
    """
    if not is_file(path):
        raise BadInputError(f"the image `{path}` does not exist", "check the path")
    if not is_image(path):
        raise BadInputError(f"`{path}` is no image", "give a PNG or JPEG file, or a frame: --frame FILM@TIME")
    image = np.asarray(read_image(path), np.uint8)
    return Query("image", _large_enough(image, f"`{path}`"), path.name)


def frame_query(film: Path, time: float, box: Box) -> Query:
    """A part of a frame of a film.

    Args:
        film: the file, or an image.
        time: of the frame, in seconds.
        box: left, top, width and height in pixels of the film.

    Raises:
        BadInputError: the film has no such frame, or the frame no such box.
    """
    if not is_file(film):
        raise BadInputError(f"the film `{film}` does not exist", "check the path")
    frame = np.asarray(read_image(film), np.uint8) if is_image(film) else _frame(film, time)
    height, width = frame.shape[:2]
    left, top, wide, tall = (round(side) for side in box)
    if left < 0 or top < 0 or wide <= 0 or tall <= 0 or left + wide > width or top + tall > height:
        message = f"the box {left},{top},{wide},{tall} is not inside the frame of {width} x {height} pixels"
        raise BadInputError(message, "--box x,y,width,height, in pixels of the film")
    name = f"{film.name} at {time:g} s, box {left},{top},{wide},{tall}"
    crop = frame[top : top + tall, left : left + wide].copy()
    return Query(
        "image",
        _large_enough(crop, f"the box {left},{top},{wide},{tall}"),
        name,
        frame,
        (left, top, wide, tall),
    )


def audio_query(clip: SoundClip) -> Query:
    """A sound clip.

    Raises:
        BadInputError: it cannot be read, has no audio, or is too short.
    """
    if not is_file(clip.path):
        raise BadInputError(f"the sound `{clip.path}` does not exist", "check the path")
    seconds = _seconds(clip)
    if seconds < LEAST_SECONDS:
        message = f"the sound of `{clip.path}` lasts {seconds:.3f} s, a query needs {LEAST_SECONDS} s"
        raise BadInputError(message, "give a longer clip, or a longer part: --audio FILE@START-END")
    end = f"-{clip.end:g}" if clip.end is not None else ""
    part = f" from {clip.start:g}{end} s" if clip.start or end else ""
    return Query("audio", clip, f"{clip.path.name}{part}")


def parse_time(text: str) -> float | None:
    """Seconds of `12.5`, `1:30` or `00:12:03`; None for other texts."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def parse_frame(text: str) -> tuple[Path, float]:
    """The film and the time of `film.mkv@00:12:03`.

    Raises:
        BadInputError: it has no time.
    """
    name, mark, time = text.rpartition("@")
    seconds = parse_time(time) if mark else None
    if seconds is None or not name:
        message = f"--frame `{text}` names no film and time"
        raise BadInputError(message, "write --frame film.mkv@00:12:03, or film.mkv@723")
    return Path(name), seconds


def parse_box(text: str) -> Box:
    """The box of `x,y,width,height`.

    Raises:
        BadInputError: it is none.
    """
    parts = text.split(",")
    problem = BadInputError(
        f"--box `{text[:60]}` is no box", "write --box x,y,width,height, in pixels of the film"
    )
    try:
        left, top, width, height = (float(part) for part in parts)
    except ValueError as error:
        raise problem from error
    if not all(abs(side) < _MOST_PIXELS for side in (left, top, width, height)):
        raise problem
    return left, top, width, height


def parse_clip(text: str) -> SoundClip:
    """The sound of `clip.wav`, or a part of it: `film.mkv@12.5-14`.

    Raises:
        BadInputError: the part ends before it starts.
    """
    name, mark, span = text.rpartition("@")
    first, dash, last = span.partition("-")
    start, end = parse_time(first), parse_time(last) if dash else None
    if not mark or not name or start is None or (dash and end is None) or is_file(Path(text)):
        return SoundClip(Path(text))
    if end is not None and end <= start:
        raise BadInputError(f"--audio `{text}` ends at {end:g} s, before it starts", "write FILE@START-END")
    return SoundClip(Path(name), start, end)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _large_enough(image: Image, name: str) -> Image:
    height, width = image.shape[:2]
    if min(height, width) < LEAST_SIDE:
        message = f"{name} is {width} x {height} pixels, a query needs {LEAST_SIDE} x {LEAST_SIDE}"
        raise BadInputError(message, "give a larger crop")
    return image


def _frame(film: Path, time: float) -> Image:
    from avtool.data.media_files import streams_in
    from avtool.media.probe import probe
    from avtool.media.video_frames import read_frames

    if not streams_in(film).video:
        raise BadInputError(f"`{film}` has no video to cut a query out of", "give a film with video")
    seconds = probe(film).duration_s
    if seconds is not None and time > seconds:
        message = f"`{film}` lasts {seconds:.3f} s, and has no frame at {time:g} s"
        raise BadInputError(message, "give an earlier time: --frame FILM@TIME")
    (frame,), _ = read_frames(film, [time], threads=1)
    return np.asarray(frame, np.uint8)


def _seconds(clip: SoundClip) -> float:
    """Duration of what there is of a clip."""
    from avtool.data.media_files import streams_in
    from avtool.media.waveforms import read_waveform

    if not streams_in(clip.path).audio:
        raise BadInputError(f"`{clip.path}` has no audio", "give a sound file, or a film with audio")
    rate = 16000
    if clip.end is None:
        from avtool.media.probe import probe

        total = probe(clip.path).duration_s
        if total is not None:
            return max(0.0, total - clip.start)
    end = clip.start + 1 if clip.end is None else clip.end
    return len(read_waveform(clip.path, clip.start, end, sample_rate=rate)) / rate
