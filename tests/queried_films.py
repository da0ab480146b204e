"""Queried films for tests: a square and a tone come and go; indexed by random encoders."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avtool.core.reporter import Silent
from avtool.data.queries.table import Kind, QueryRow, QueryTable, write_queries
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.index_writer import write_index
from avtool.media.encode import FilmSettings, write_film
from tests.harness import RATE, save_backbone, save_encoder, write_wav
from tests.unit.inference.localisation.text_models import save_text_encoder

FPS, SECONDS, WIDTH, HEIGHT, SIDE = 4, 8.0, 96, 64, 32
Span = tuple[float, float]
KINDS: tuple[Kind, ...] = ("image", "text", "label", "audio")


def tone(seconds: float) -> np.ndarray:
    """A tone of 800 Hz."""
    return (0.5 * np.sin(2 * np.pi * 800 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def spans_of(seed: int) -> tuple[Span, Span]:
    """When the square is to be seen, and when the tone is to be heard: 2 to 4 s each."""
    rng = np.random.default_rng(seed)
    starts, lengths = rng.integers(1, 4 * 4, 2) / 4, rng.integers(8, 17, 2) / 4
    seen, heard = ((float(a), float(a + n)) for a, n in zip(starts, lengths, strict=True))
    return seen, heard


def place_of(seed: int, time: float) -> tuple[int, int]:
    """Left and top of the square, which moves to the right."""
    rng = np.random.default_rng(seed + 1000)
    return int(rng.integers(0, 30)) + round(4 * time), int(rng.integers(0, HEIGHT - SIDE))


def write_square_and_tone(path: Path, seed: int) -> None:
    """A film of grey noise with a red square and a tone."""
    (first, last), (begin, end) = spans_of(seed)
    rng, frames = np.random.default_rng(seed), []
    for number in range(round(SECONDS * 8)):
        frame, time = rng.integers(60, 90, (HEIGHT, WIDTH, 3), np.uint8), number / 8
        if first <= time < last:
            left, top = place_of(seed, time)
            frame[top : top + SIDE, left : left + SIDE] = (250, 20, 20)
        frames.append(frame)
    audio = 0.01 * rng.standard_normal(round(SECONDS * RATE)).astype(np.float32)
    audio[round(begin * RATE) : round(end * RATE)] += tone(end - begin)[: len(audio) - round(begin * RATE)]
    write_film(path, FilmSettings(fps=8, sample_rate=RATE), frames=frames, audio=[audio])


def rows_of(film: str, seed: int, split: str, example: str) -> list[QueryRow]:
    """A query of each kind; the image is cut out of the film `example`."""
    (first, last), (begin, end) = spans_of(seed)
    times = np.arange(first, last, 1 / FPS)
    boxes = tuple((float(time), *map(float, place_of(seed, time)), SIDE, SIDE) for time in times)
    shown: dict[str, object] = {"boxes": boxes, "frame_size": (WIDTH, HEIGHT)}
    seen = spans_of(0)[0][0]
    crop = {"query_start": seen, "query_box": tuple(map(float, (*place_of(0, seen), SIDE, SIDE)))}
    texts: dict[Kind, str] = {
        "image": example,
        "text": "a red square",
        "label": "square",
        "audio": "tone.wav",
    }
    return [
        QueryRow(
            f"{film}-{kind}", film, kind, text,
            *((begin, end) if kind == "audio" else (first, last)), split=split, group=film,
            **(shown if kind != "audio" else {}), **(crop if kind == "image" else {}),  # type: ignore[arg-type]
        )
        for kind, text in texts.items()
    ]  # fmt: skip


def write_queried(folder: Path, train: int = 3, val: int = 1, kinds: Sequence[Kind] = KINDS) -> Path:
    """A table `queries.jsonl` over indexed films; beside it are `index` and the encoder `text`."""
    folder.mkdir(parents=True)
    write_wav(folder / "tone.wav", tone(1.0), RATE)
    save_text_encoder(folder / "text")
    recipe = IndexRecipe(
        fps=FPS, size=64, batch_size=8, hop=0.25,
        visual_encoder=str(save_backbone(folder / "backbone")),
        audio_encoder=str(save_encoder(folder / "sounds")),
    )  # fmt: skip
    encoders, rows = Encoders(recipe, Silent()), []
    for seed in range(train + val):
        film = f"{seed}.mp4"
        write_square_and_tone(folder / film, seed)
        write_index(folder / film, folder / "index" / str(seed), recipe, Silent(), encoders=encoders)
        rows += rows_of(film, seed, "train" if seed < train else "val", "0.mp4")
    table = QueryTable(tuple(row for row in rows if row.kind in kinds), folder)
    write_queries(table, folder / "queries.jsonl")
    return folder / "queries.jsonl"
