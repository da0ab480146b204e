"""The film maker: synthetic films with captions and ground truth, on any machine, without a network."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.files import write_csv, write_json
from avtool.core.reporter import Reporter, Silent
from avtool.synthetic.captions import captions_of, style_named, write_captions
from avtool.synthetic.distort import Distortion, distortion_named
from avtool.synthetic.painter import PainterSettings, VideoKind
from avtool.synthetic.screenwriter import write_script
from avtool.synthetic.shoot import shoot
from avtool.synthetic.sounds import SoundBank, SyntheticSounds
from avtool.synthetic.speech import SpeechBank, SyntheticSpeech
from avtool.synthetic.truth import captioned_events, truth_of, write_events

ContainerKind = Literal["mkv", "mp4", "webm", "m4a"]
CaptionPlace = Literal["srt", "vtt", "ass", "ttml", "inside"]

_MIN_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class FilmFiles:
    """A film on disk.

    Attributes:
        film: the container.
        captions: the caption file, or None when the captions are a stream of the film.
        truth: everything that is known of the film, as JSON.
        events: the table of its sound events, as CSV.
    """

    film: Path
    captions: Path | None
    truth: Path
    events: Path


@dataclass(frozen=True, slots=True)
class FilmSet:
    """Several films, and the table `film,captions` that names them."""

    table: Path
    films: tuple[FilmFiles, ...]


def _seeded(seed: int, purpose: str) -> np.random.Generator:
    """Every purpose has its own stream of random numbers: another style leaves the film as it is."""
    return np.random.default_rng((seed, zlib.crc32(purpose.encode())))


def make_film(
    out_dir: Path,
    *,
    seed: int,
    minutes: float,
    name: str = "film",
    style: str = "netflix",
    sounds: SoundBank | None = None,
    speech: SpeechBank | None = None,
    distortion: str | Distortion = "none",
    container: ContainerKind = "mkv",
    captions: CaptionPlace = "srt",
    video: VideoKind = "drawn",
    size: tuple[int, int] = (96, 128),
    frame_rate: int = 12,
    sounds_per_minute: float = 8.0,
    reporter: Reporter | None = None,
) -> FilmFiles:
    """Makes a film with sound events, speech and drawn video, its captions, and its ground truth.

    Memory does not grow with the duration, and the same arguments write the same bytes. Neither the style nor
    the distortion changes audio or video.

    Args:
        out_dir: where the files go; made when it is missing.
        seed: of everything random.
        minutes: the duration, at least a quarter.
        name: of the files, without a suffix; also the title.
        style: of the captions, a name of `captions.STYLES`.
        sounds: where the sound events come from; synthetic ones by default.
        speech: where the voices come from; synthetic babble by default.
        distortion: what is wrong with the caption times: a name of `distort.DISTORTIONS`, or your own.
        container: `m4a` has no video.
        captions: the format of the caption file, or `inside` for a stream of the film itself.
        video: `drawn`, `static` (only the sets and letters) or `none`.
        size: (height, width) of the frame in pixels, both even.
        frame_rate: frames per second.
        sounds_per_minute: how many sound events to aim at.
        reporter: shows the progress.

    Raises:
        BadInputError: an argument has no meaning, or the folder cannot be written.
    """
    sounds = sounds or SyntheticSounds()
    speech = speech or SyntheticSpeech(sounds.sample_rate)
    _check(minutes, container, captions, video, size, sounds, speech)
    caption_style = style_named(style)
    if isinstance(distortion, str):
        distortion = distortion_named(distortion)
    seconds = minutes * 60
    script = write_script(_seeded(seed, "script"), name, seconds, sounds, speech, sounds_per_minute)
    cues = captions_of(script, caption_style, _seeded(seed, "captions"))
    moved = [distortion.move(cue, seconds) for cue in cues]
    shown = sorted((cue for cue in moved if cue is not None), key=lambda cue: cue.start_ms)

    files = FilmFiles(
        out_dir / f"{name}.{container}",
        None if captions == "inside" else out_dir / f"{name}.{captions}",
        out_dir / f"{name}.truth.json",
        out_dir / f"{name}.events.csv",
    )
    shoot(
        files.film,
        script,
        sounds,
        speech,
        PainterSettings("none" if container == "m4a" else video, size, frame_rate),
        shown if captions == "inside" else None,
        _seeded(seed, "room"),
        reporter or Silent(),
    )
    if files.captions is not None and captions != "inside":  # the second condition narrows the type
        write_captions(files.captions, shown, captions)
    events = captioned_events(script, caption_style)
    settings = {"seed": seed, "style": style, "container": container, "video": video}
    pairs = list(zip(cues, moved, strict=True))
    write_json(files.truth, truth_of(script, events, pairs, distortion, settings), indent=1)
    write_events(files.events, events)
    return files


def _check(
    minutes: float, container: str, captions: str, video: str, size: tuple[int, int],
    sounds: SoundBank, speech: SpeechBank,
) -> None:  # fmt: skip
    if minutes * 60 < _MIN_SECONDS:
        raise BadInputError(f"a film of {minutes * 60:g} s is too short", f"give {_MIN_SECONDS:g} s or more")
    for word, kinds in ((container, ContainerKind), (captions, CaptionPlace), (video, VideoKind)):
        if word not in get_args(kinds):
            raise BadInputError(
                f"the film maker has no `{word}`", f"choose among {', '.join(get_args(kinds))}"
            )
    if size[0] % 2 or size[1] % 2 or min(size) < 16:
        raise BadInputError(f"frames of {size[1]}x{size[0]} cannot be encoded", "use even sides from 16 on")
    assert sounds.sample_rate == speech.sample_rate, "sounds and speech must have one sampling rate"


def make_film_set(
    out_dir: Path,
    films: int = 2,
    *,
    seed: int = 0,
    minutes: float = 3.0,
    styles: Sequence[str] = ("netflix", "disc"),
    distortions: Sequence[str | Distortion] = ("none", "late"),
    **settings: Any,
) -> FilmSet:
    """Makes several films and writes `films.csv` (film, captions), which `avtool mine-subtitles` reads.

    Args:
        out_dir: where everything goes.
        films: how many.
        seed: of the first film; the others count on.
        minutes: the duration of each.
        styles: taken in turn.
        distortions: taken in turn.
        **settings: as for `make_film`.
    """
    made = tuple(
        make_film(
            out_dir,
            seed=seed + k,
            minutes=minutes,
            name=f"film{k + 1}",
            style=styles[k % len(styles)],
            distortion=distortions[k % len(distortions)],
            **settings,
        )
        for k in range(films)
    )
    path = out_dir / "films.csv"
    rows = ([film.film.name, film.captions.name if film.captions else "auto"] for film in made)
    write_csv(path, ["film", "captions"], rows)
    return FilmSet(path, made)
