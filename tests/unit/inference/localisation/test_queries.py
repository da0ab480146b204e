"""Queries: what is read, what is refused and with which words, and their tokens."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.queries.table import QueryRow, QueryTable
from avtool.inference.localisation.encoders import IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.index_writer import write_index
from avtool.inference.localisation.queries import (
    Query,
    SoundClip,
    audio_query,
    frame_query,
    image_query,
    label_query,
    parse_box,
    parse_clip,
    parse_frame,
    parse_time,
    text_query,
)
from avtool.inference.localisation.query_encoders import QueryEncoders
from avtool.inference.localisation.text_encoder import TextEncoder
from tests.harness import chirp, write_wav
from tests.unit.inference.localisation.text_models import save_text_encoder


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12.5", 12.5), ("1:30", 90), ("00:12:03", 723), (".5", 0.5), ("a", None), ("-3", None), ("", None)],
)
def test_times(text: str, seconds: float | None) -> None:
    assert parse_time(text) == seconds


def test_frames_boxes_and_clips_of_a_command_line() -> None:
    assert parse_frame("a@b.mkv@00:12:03") == (Path("a@b.mkv"), 723)
    assert parse_box("1,2,30,40.5") == (1, 2, 30, 40.5)
    assert parse_clip("a.wav") == SoundClip(Path("a.wav"))
    assert parse_clip("a.wav@1-2.5") == SoundClip(Path("a.wav"), 1, 2.5)
    assert parse_clip("a.wav@1:10") == SoundClip(Path("a.wav"), 70)
    assert parse_clip("me@home.wav") == SoundClip(Path("me@home.wav"))


@pytest.mark.parametrize("text", ["film.mkv", "film.mkv@noon", "@12"])
def test_a_frame_without_a_time(text: str) -> None:
    with pytest.raises(BadInputError, match="names no film and time"):
        parse_frame(text)


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", ""])
def test_no_box(text: str) -> None:
    with pytest.raises(BadInputError, match="is no box"):
        parse_box(text)


@pytest.mark.parametrize("text", ["", "  \t"])
def test_empty_texts_and_labels(text: str) -> None:
    with pytest.raises(BadInputError, match="the text of the query is empty"):
        text_query(text)
    with pytest.raises(BadInputError, match="the label of the query is empty"):
        label_query(text)


def test_small_images(tmp_path: Path) -> None:
    Image.new("RGB", (40, 15)).save(tmp_path / "a.png")
    with pytest.raises(BadInputError, match="is 40 x 15 pixels, a query needs 16 x 16"):
        image_query(tmp_path / "a.png")
    Image.new("RGB", (40, 16)).save(tmp_path / "a.png")
    assert image_query(tmp_path / "a.png").image.shape == (16, 40, 3)


def test_images_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        image_query(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("no image")
    with pytest.raises(BadInputError, match="is no image"):
        image_query(tmp_path / "a.txt")


def test_a_box_of_a_frame(film: Path) -> None:
    query = frame_query(film, 0.75, (56, 16, 32, 32))
    assert query.image.shape == (32, 32, 3)
    assert query.box == (56, 16, 32, 32)
    assert query.frame is not None
    assert query.frame.shape == (64, 96, 3)
    red, green, _ = query.image.reshape(-1, 3).mean(axis=0)
    assert red > 200 > 60 > green


@pytest.mark.parametrize("box", [(80, 0, 20, 20), (-1, 0, 20, 20), (0, 0, 0, 20), (0, 50, 20, 20)])
def test_a_box_outside_of_the_frame(film: Path, box: tuple[float, float, float, float]) -> None:
    with pytest.raises(BadInputError, match="is not inside the frame of 96 x 64 pixels"):
        frame_query(film, 0.75, box)


def test_frames_that_are_not_there(film: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"lasts 3\.\d+ s, and has no frame at 99 s"):
        frame_query(film, 99, (0, 0, 20, 20))
    sound = write_wav(tmp_path / "a.wav", chirp(1))
    with pytest.raises(BadInputError, match="has no video"):
        frame_query(sound, 0, (0, 0, 20, 20))


def test_short_sounds(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", chirp(0.09))
    with pytest.raises(BadInputError, match=r"lasts 0\.090 s, a query needs 0\.1 s"):
        audio_query(SoundClip(path))
    path = write_wav(tmp_path / "b.wav", chirp(1))
    with pytest.raises(BadInputError, match=r"lasts 0\.050 s"):
        audio_query(SoundClip(path, 0.5, 0.55))
    assert audio_query(SoundClip(path, 0.5, 0.7)).name == "b.wav from 0.5-0.7 s"
    with pytest.raises(BadInputError, match="ends at 1 s, before it starts"):
        parse_clip(f"{path}@2-1")


def test_queries_of_a_table(film: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", chirp(1))
    table = QueryTable((), tmp_path)

    def of(kind: str, query: str, **values: object) -> Query:
        return Query.of_row(table, QueryRow("q", str(film), kind, query, 0, 1, **values))  # type: ignore[arg-type]

    assert of("text", "a square").text == "a square"
    assert of("label", "Bark").kind == "label"
    assert of("audio", "a.wav", query_start=0.2, query_end=0.8).clip == SoundClip(
        tmp_path / "a.wav", 0.2, 0.8
    )
    assert of("image", str(film), query_start=0.75, query_box=(56, 16, 32, 32)).image.shape == (32, 32, 3)


@pytest.fixture
def index(film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path) -> FilmIndex:
    return write_index(film, tmp_path / "idx", recipe, Silent())


def test_tokens(index: FilmIndex, film: Path, tmp_path: Path) -> None:
    text = save_text_encoder(tmp_path / "text")
    encoders = QueryEncoders(index.card, str(text), RuntimeRecipe(), Silent())
    assert index.visual is not None
    assert index.audio is not None
    crop = encoders.tokens(frame_query(film, 0.75, (56, 16, 32, 32)))
    assert crop.shape == (4, index.visual.shape[2])
    sound = encoders.tokens(audio_query(SoundClip(write_wav(tmp_path / "a.wav", chirp(1.5)))))
    assert sound.shape == (4, index.audio.shape[2])
    words = encoders.tokens(text_query("a dog barks"))
    assert words.shape[1] == encoders.text.width
    assert words.dtype == np.float32


def test_sentences_are_unit_vectors_that_do_not_depend_on_their_batch(tmp_path: Path) -> None:
    encoder = TextEncoder(str(save_text_encoder(tmp_path / "text")), RuntimeRecipe())
    both = encoder.sentences(["a dog barks", "rain"])
    assert np.linalg.norm(both, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert both[1] == pytest.approx(encoder.sentences(["rain"])[0], abs=1e-5)


def test_an_encoder_that_has_changed(index: FilmIndex, recipe: IndexRecipe) -> None:
    card = index.card
    assert card.visual is not None
    other = replace(card, visual=replace(card.visual, weights="f" * 64))
    encoders = QueryEncoders(other, None, RuntimeRecipe(), Silent())
    with pytest.raises(BadInputError, match=r"has changed .* \(SHA-256 ffffffffffff then, \w{12} now\)"):
        _ = encoders.visual


def test_a_modality_that_the_index_lacks(recipe: IndexRecipe, tmp_path: Path, cache: Path) -> None:
    sound = write_wav(tmp_path / "a.wav", chirp(2.0))
    index = write_index(sound, tmp_path / "idx", recipe, Silent())
    query = Query("image", np.zeros((20, 20, 3), np.uint8), "crop")
    with pytest.raises(
        BadInputError, match="has no video in its index, which an image query needs"
    ) as caught:
        query.need_modality(index)
    assert "--audio" in caught.value.hint
    text_query("a dog").need_modality(index)
