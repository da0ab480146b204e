"""Clips of shards as any dataset of clips: their manifest, and their video and audio at any place."""

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

from avtool.core.artifact import CARD, read_artifact
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import inside
from avtool.core.manifest_columns import checked_table
from avtool.data.decode_cache.audio import Waveform
from avtool.data.decode_cache.cache import PartCache
from avtool.data.decode_cache.frames import Frames, cut_out
from avtool.data.manifest import Clip, Manifest, make_table
from avtool.data.shards.index_file import read_index
from avtool.data.shards.tar_index import ShardClip, clips_of
from avtool.data.split_names import SPLIT_NAMES, split_name
from avtool.media.tar_members import Piece, extract, member_seconds, read_piece
from avtool.media.waveforms import mono, read_waveform

SHARDS = "shards"
_MAX_PIXELS = 1 << 24


class ShardSource:
    """Video and audio of the clips of shards.

    Args:
        clips: by clip id the shard and what is where in it.
        fps: frames per second.
        sample_rate: that the audio is given at, in Hz.
        cache_mib: memory for what was decoded, in MiB.
    """

    def __init__(
        self,
        clips: dict[str, tuple[Path, ShardClip]],
        fps: float,
        sample_rate: int = 16000,
        cache_mib: float = 1024,
    ) -> None:
        self.fps = fps
        self.sample_rate = sample_rate
        self.cache = PartCache(cache_mib)
        self._clips = clips

    def frame_span(self, clip: Clip) -> tuple[float, int]:
        _, held = self._clips[clip.clip_id]
        return held.number("first_picture"), len(held.frames)

    def frames(self, manifest: Manifest, clip: Clip, numbers: NDArray[np.int64]) -> Frames:  # noqa: ARG002
        path, held = self._clips[clip.clip_id]
        if not held.frames:
            raise BadInputError(f"clip `{clip.clip_id}` in `{path}` has no video", "choose another modality")
        wanted = np.minimum(numbers, len(held.frames) - 1)
        frames = {int(number): self._frame(path, held, int(number)) for number in np.unique(wanted)}
        height, width = next(iter(frames.values())).shape[1:3]
        for number, frame in frames.items():
            box = (0, 0, frame.shape[2], frame.shape[1])
            frames[number] = cut_out(frame, box, (height, width))
        return np.concatenate([frames[int(number)] for number in wanted])

    def audio(self, manifest: Manifest, clip: Clip, first: int, past: int) -> Waveform:  # noqa: ARG002
        path, held = self._clips[clip.clip_id]
        if held.audio is None:
            raise BadInputError(f"clip `{clip.clip_id}` in `{path}` has no audio", "choose another modality")
        (waveform,) = self.cache.parts(
            (path, held.key, "audio"), 0, 1, lambda *_: [self._decode_audio(path, held)]
        )
        part = waveform[first:past]
        return np.pad(part, (0, past - first - len(part)))

    def _frame(self, path: Path, held: ShardClip, number: int) -> Frames:
        """(1, H, W, 3)."""
        (frame,) = self.cache.parts(
            (path, held.key), number, number + 1, lambda low, _: [self._decode_frame(path, held, low)]
        )
        return frame

    def _decode_frame(self, path: Path, held: ShardClip, number: int) -> Frames:
        what = f"frame {number} of `{held.key}` in `{path}`"
        try:
            with Image.open(BytesIO(_read(path, held.frames[number]))) as image:
                if image.width * image.height > _MAX_PIXELS:
                    raise BadInputError(f"{what} is too large", "make it smaller")
                return np.asarray(image.convert("RGB"), np.uint8)[None].copy()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise BadInputError(f"{what} cannot be read", "write the shard again") from error

    def _decode_audio(self, path: Path, held: ShardClip) -> Waveform:
        assert held.audio is not None
        try:
            samples, rate = soundfile.read(BytesIO(_read(path, held.audio)), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            samples, rate = np.zeros((0, 1), np.float32), self.sample_rate
        if not len(samples) and held.media:  # a stream of unknown length, or in a format of FFmpeg's
            seconds = member_seconds(path, held.media)
            return read_waveform(extract(path, held.media), 0.0, seconds, sample_rate=self.sample_rate)
        waveform = mono(samples, f"the audio of `{held.key}` in `{path}`")
        return waveform if rate == self.sample_rate else _resampled(waveform, rate, self.sample_rate)


def _read(path: Path, piece: Piece) -> bytes:
    with path.open("rb") as shard:
        return read_piece(shard, piece)


def _resampled(samples: Waveform, rate: int, wanted: int) -> Waveform:
    import torch
    from torchaudio.functional import resample

    return np.asarray(resample(torch.from_numpy(samples), rate, wanted).numpy(), np.float32)


def open_shards(path: Path, *, sample_rate: int = 16000) -> tuple[Manifest, ShardSource]:
    """Opens shards for reading.

    Args:
        path: what `write_shards` wrote, a folder of `.tar` files, or one of them.
        sample_rate: that the audio is given at, in Hz.

    Returns:
        A row a clip, and where its video and audio come from.

    Raises:
        BadInputError: there are no shards, they cannot be read, or their frames differ in rate.
    """
    root = path if path.is_dir() else path.parent
    folder = root / SHARDS if (root / SHARDS).is_dir() else root
    held: dict[str, tuple[Path, ShardClip]] = {}
    rows: list[Clip] = []
    for file, clips in _shards(path, root, folder):
        with file.open("rb") as shard:
            for clip in clips:
                if clip.film:
                    message = f"`{clip.media}` in `{file}` is a film; shards hold audio and frames"
                    raise BadInputError(message, "let `avtool prepare` make a dataset of them")
                row = shard_row(file.relative_to(root).as_posix(), clip, shard)
                if row.clip_id in held:
                    first = held[row.clip_id][0]
                    where = f"twice in `{file}`" if first == file else f"in `{first}` and in `{file}`"
                    raise BadInputError(f"clip `{row.clip_id}` is {where}", "take one of them out")
                held[row.clip_id] = file, clip
                rows.append(row)
    manifest = Manifest(checked_table(make_table(rows), str(path)), root, str(path))
    return manifest, ShardSource(held, _one_rate(str(path), held), sample_rate)


def _shards(path: Path, root: Path, folder: Path) -> Iterator[tuple[Path, Iterable[ShardClip]]]:
    """Each shard and its clips, from the table of our own artifacts, else from the shard."""
    if path.is_dir() and (root / CARD).is_file():
        read_artifact(root, "dataset")
        for name, group in groupby(read_index(folder), key=lambda item: item[0]):
            file = inside(folder, name)
            if not file.is_file():
                raise CorruptArtifactError(f"`{file}` is missing", "write the shards again")
            yield file, (clip for _, clip in group)
        return
    files = sorted({*folder.glob("*.tar"), *folder.glob("*/*.tar")}) if path.is_dir() else [path]
    if not files:
        raise BadInputError(f"there are no shards in `{path}`", "give a folder of .tar files")
    for file in files:
        if not file.is_file():
            raise BadInputError(f"`{file}` does not exist", "give a folder of shards")
        yield file, clips_of(file)


def _one_rate(origin: str, held: dict[str, tuple[Path, ShardClip]]) -> float:
    rates = sorted({clip.fps for _, clip in held.values() if clip.frames})
    if len(rates) > 1:
        message = f"the shards of `{origin}` hold frames at {rates[0]:g} and at {rates[-1]:g} a second"
        raise BadInputError(message, "write them with the same settings")
    return rates[0] if rates else 16.0


def shard_row(media: str, clip: ShardClip, shard: BinaryIO) -> Clip:
    """A clip of a shard as a row of a manifest.

    Args:
        media: the shard, relative to the dataset; its name, or its folder's, may give the split.
        clip: of the shard.
        shard: it, open.
    """
    fold = clip.facts.get("fold")
    named = dict.fromkeys(
        SPLIT_NAMES[word] for word in re.split(r"\W|_", media.lower()) if word in SPLIT_NAMES
    )
    own_name = f"{media.removeprefix(f'{SHARDS}/').removesuffix('.tar')}/{clip.key}"
    return Clip(
        clip_id=clip.text("clip_id") or own_name,
        media=media,
        start=0.0,
        end=clip.seconds(shard),
        split=split_name(clip.text("split")) or (next(iter(named)) if len(named) == 1 else ""),
        fold=fold if isinstance(fold, int) and 0 <= fold < 2**31 else None,
        labels=clip.labels,
        text=clip.text("text"),
        group=clip.text("group") or own_name,
        extras={"has_audio": clip.audio is not None, "has_video": bool(clip.frames)},
    )
