"""Walking forward through a film's frames: decoding where the next is near, seeking where it is far."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import inf
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.media.container import ReadLog, decoded, film_start, film_time, open_media, pick_video
from avtool.media.probe import frame_rate

ROUNDING_S = 0.0005  # Matroska rounds timestamps to 1 ms: the frame of 66.67 ms is stored as 67 ms
_NEAR_S = 2.0  # walking so far forward costs less than seeking
_SEEK_BACK_S = (0.0, 1.0, 6.0, 36.0, 216.0, 1296.0, inf)  # how far if the seek before landed too late


@contextmanager
def open_frames(path: Path, threads: int, reporter: Reporter | None) -> Iterator["FrameWalker"]:
    """Opens the frames of a film; when the block ends, the reporter gets the damage.

    Args:
        path: the film.
        threads: FFmpeg's decoding threads; 0 lets it choose.
        reporter: or None.
    """
    with open_media(path) as container:
        stream = pick_video(container, path)
        stream.codec_context.thread_count = threads
        stream.codec_context.thread_type = "NONE" if threads == 1 else "AUTO"
        walker = FrameWalker(container, stream, path)
        yield walker
        if reporter is not None and (walker.log.bad_packets or walker.log.stopped):
            why = walker.log.stopped or walker.log.refusal
            reporter.warn(f"{path.name}: skipped damaged frames: {why}")


class FrameWalker:
    """Goes through a film's frames, forward, by walking or by seeking.

    Attributes:
        frame, time: the frame on screen and its film time.
        until: film time at which the film's last frame ends, infinite until that is known.
        log: what could not be read so far.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, path: Path) -> None:
        self.log = ReadLog()
        self.frame: VideoFrame | None = None
        self.time = -inf
        self.until = inf
        self._next: VideoFrame | None = None
        self._next_time = inf
        self._container = container
        self._stream = stream
        self._path = path
        self._start = film_start(container)
        self._rate = frame_rate(stream) or 25.0
        self._known_bad = 0
        self._damaged = False
        self._takes_damaged = False
        self._frames = decoded(container, stream, self.log)

    def go(self, time: float) -> None:
        """Makes the frame at a film time the current one; times must not go back.

        Raises:
            BadInputError: no frame of the film can be decoded.
        """
        far = self.until == inf and time > max(self.time, 0.0) + _NEAR_S
        if far and self._has_key_frame_before(time):
            self._seek(time)
        if self.frame is None:
            self._load()
        while self._next_time <= time + ROUNDING_S:
            self.step()

    def step(self) -> bool:
        """Goes to the next frame; False where there is none."""
        if self._next is None:
            return False
        self.frame, self.time = self._next, self._next_time
        self._look_ahead()
        return True

    def _load(self) -> None:
        """Makes the next frame that comes the current one."""
        self._look_ahead()
        if self._next is None and self._damaged:  # better damaged frames than none at all
            self._takes_damaged = True
            self._restart(0.0)
        if not self.step():
            why = self.log.refusal or self.log.stopped or "it holds no frame"
            message = f"video stream #{self._stream.index} of `{self._path}` cannot be decoded: {why}"
            raise BadInputError(message, "the file may be damaged: copy or download it again")

    def _look_ahead(self) -> None:
        self._next = next((frame for frame in self._frames if self._is_intact(frame)), None)
        if self._next is None:
            self._next_time = inf
            self.until = self.time + 1 / self._rate
        else:
            time = film_time(self._next, self._start)
            self._next_time = max(self.time, 0.0) + 1 / self._rate if time is None else time

    def _is_intact(self, frame: VideoFrame) -> bool:
        """Whether a frame is undamaged: after an error frames are patched together up to a key frame."""
        if self.log.bad_packets > self._known_bad or frame.is_corrupt:
            self._known_bad = self.log.bad_packets
            self._damaged = True
        elif frame.key_frame:
            self._damaged = False
        return self._takes_damaged or not self._damaged

    def _has_key_frame_before(self, time: float) -> bool:
        """Whether there may be a key frame between the current frame and a film time."""
        entries = self._stream.index_entries
        wanted = self._timestamp(time)
        if self.frame is None or not len(entries) or entries[-1].timestamp < wanted:
            return True  # nothing read yet, or the file's index is not known so far
        nearest = entries.search_timestamp(wanted)
        return nearest < 0 or entries[nearest].timestamp > self._timestamp(self.time)

    def _seek(self, time: float) -> None:
        """Goes to the key frame before a film time."""
        for back_s in _SEEK_BACK_S:
            if not self._restart(time - back_s):
                return  # the format cannot seek: walk
            if self._next_time <= time + ROUNDING_S:
                break
        self.frame, self.time = self._next, self._next_time
        self._look_ahead()

    def _restart(self, time: float) -> bool:
        """Has the next frame come from the key frame before a film time; False where that cannot be."""
        try:
            self._container.seek(self._timestamp(max(time, 0.0)), stream=self._stream)
        except FFmpegError:
            return False
        self.until = inf
        self._frames = decoded(self._container, self._stream, self.log)
        self._look_ahead()
        return True

    def _timestamp(self, time: float) -> int:
        """A film time in the stream's own units."""
        assert self._stream.time_base is not None
        return int((Fraction(time) + self._start) / self._stream.time_base)
