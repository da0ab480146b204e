"""Mistakes to look at and to listen to: a player with a spectrogram, or a frame where there is no audio."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import AvtoolError
from avtool.core.report.page import data_uri
from avtool.core.reporter import Reporter
from avtool.data.media_files import streams_in
from avtool.evaluation.report import Mistake
from avtool.media.preview import encode_mp3, spectrogram_png
from avtool.media.still_images import is_image, read_image
from avtool.media.video_frames import read_frames
from avtool.media.waveforms import read_waveform

if TYPE_CHECKING:
    from markupsafe import Markup

SAMPLE_RATE = 22050
_LONGEST = 10.0  # seconds of a clip that a player plays
_SHORT_SIDE = 192


@dataclass(frozen=True)
class Place:
    """Where a clip is: its file, its start in seconds, and its duration; None reaches to the file's end."""

    media: Path
    start: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True)
class Player:
    """A mistake with data URIs: of a spectrogram or a frame, and of its audio where it has some."""

    mistake: Mistake
    image: str
    audio: str = ""


def with_places(mistakes: Sequence[Mistake], places: Mapping[str, Place]) -> list[Mistake]:
    """The mistakes with the files of those clips whose place is known and is there."""
    found = []
    for mistake in mistakes:
        place = places.get(mistake.clip_id)
        if place is not None and place.media.is_file():
            mistake = replace(mistake, media=place.media, start=place.start, seconds=place.seconds)
        found.append(mistake)
    return found


def make_players(mistakes: Sequence[Mistake], reporter: Reporter) -> list[Player]:
    """The players of mistakes whose files are at hand.

    Args:
        mistakes: to show.
        reporter: warned of files that cannot be played.
    """
    players = []
    for mistake in mistakes:
        if mistake.media is None:
            continue
        try:
            players.append(_player(mistake, mistake.media))
        except AvtoolError as error:
            reporter.warn(f"no player for {mistake.clip_id}: {error}")
    return players


def player_figures(players: Sequence[Player]) -> "list[tuple[str, Markup]]":
    """Captions and figures of players, for a page of figures."""
    from markupsafe import Markup

    figures = []
    for player in players:
        mistake = player.mistake
        guess = f"predicted {mistake.prediction} ({100 * mistake.confidence:.0f} %)"
        caption = f"{mistake.label}, {guess}: {mistake.clip_id}"
        image = Markup('<img src="{}" alt="{}" style="width: 20rem">').format(player.image, mistake.clip_id)
        audio = Markup('<br><audio controls preload="none" src="{}"></audio>').format(player.audio)
        figures.append((caption, image + audio if player.audio else image))
    return figures


def _player(mistake: Mistake, media: Path) -> Player:
    length = _LONGEST if mistake.seconds is None else min(_LONGEST, mistake.seconds)
    if not is_image(media) and streams_in(media).audio:
        end = mistake.start + length
        waveform = read_waveform(media, mistake.start, end, sample_rate=SAMPLE_RATE)
        samples = np.clip(np.round(waveform * 32768), -32768, 32767).astype(np.int16)
        return Player(
            mistake,
            data_uri(spectrogram_png(samples, SAMPLE_RATE), "image/png"),
            data_uri(encode_mp3(samples, SAMPLE_RATE), "audio/mpeg"),
        )
    if is_image(media):
        return Player(mistake, _jpeg(read_image(media, _SHORT_SIDE)))
    frames, _ = read_frames(media, [mistake.start + length / 2], size=_SHORT_SIDE, threads=1)
    return Player(mistake, _jpeg(frames[0]))


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return data_uri(buffer.getvalue(), "image/jpeg")
