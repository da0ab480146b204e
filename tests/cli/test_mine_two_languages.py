"""A film with audio in two languages: the captions' language chooses the stream."""

import csv
import json
from pathlib import Path

import av
import numpy as np
import pytest

from avtool.cli.main import run

SECONDS, RATE = 20, 16000
ENGLISH = "I don't know what it is, and you have the time. It's what we have."
GERMAN = "Ich weiß nicht, was das ist, und wir haben auch nicht die Zeit."
FAST = ["--sync", "none", "--format", "none", "--no-progress", "-q"]


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """Noise in German (the default stream, #0), silence with a tone in English (#1)."""
    path = tmp_path_factory.mktemp("two") / "film.mkv"
    noise = np.random.default_rng(0).integers(-8000, 8000, SECONDS * RATE)
    tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(SECONDS * RATE) / RATE)
    with av.open(str(path), "w") as container:
        streams = []
        for language in ("ger", "eng"):
            stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
            stream.metadata["language"] = language
            streams.append(stream)
        streams[0].disposition = av.stream.Disposition.default
        for stream, samples in zip(streams, (noise, tone), strict=True):
            frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate = RATE
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def captions(folder: Path, name: str, words: str) -> Path:
    path = folder / name
    path.write_text(
        f"1\n00:00:01,000 --> 00:00:03,000\n{words}\n\n2\n00:00:05,000 --> 00:00:07,000\n[door slams]\n"
    )
    return path


def stream_of(arguments: list[str], out: Path) -> dict:
    assert run(["mine-subtitles", *arguments, "--out", str(out), *FAST]) == 0
    with (out / "films.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    return row


@pytest.mark.parametrize(
    ("name", "words", "number", "language"),
    [
        ("a.srt", ENGLISH, "1", "en"),
        ("b.srt", GERMAN, "0", "de"),
        ("film.en.srt", "Hm.", "1", "en"),
        ("c.srt", "Hm.", "0", ""),
    ],
)
def test_the_language_of_the_captions_chooses_the_audio(film, tmp_path, name, words, number, language):
    row = stream_of([str(film), "--captions", str(captions(tmp_path, name, words))], tmp_path / "out")
    assert (row["audio_stream"], row["language"]) == (number, language)


def test_the_flag_and_the_table_go_before_the_language(film, tmp_path):
    english = captions(tmp_path, "a.srt", ENGLISH)
    flag = ["--audio-stream", "0"]
    assert stream_of([str(film), "--captions", str(english), *flag], tmp_path / "1")["audio_stream"] == "0"
    table = tmp_path / "films.csv"
    table.write_text(f"film,captions,audio_stream\n{film},{english},0\n")
    assert stream_of([str(table)], tmp_path / "2")["audio_stream"] == "0"


def test_a_stream_number_that_is_none_is_refused_in_one_line(film, tmp_path, capsys):
    table = tmp_path / "films.csv"
    table.write_text(f"film,captions,audio_stream\n{film},{captions(tmp_path, 'a.srt', ENGLISH)},german\n")
    assert run(["mine-subtitles", str(table), "--out", str(tmp_path / "out"), *FAST]) == 2
    assert "line 2: audio_stream `german`" in capsys.readouterr().err


def test_captions_in_a_language_without_audio_or_lexicon_are_told(film, tmp_path, capsys):
    italian = "Non so che cosa hai, ma sono qui per una questione della casa. Perché non è questo?"
    path = captions(tmp_path, "a.srt", italian)
    command = ["mine-subtitles", str(film), "--captions", str(path), "--out", str(tmp_path / "out")]
    assert run([*command, "--sync", "none", "--format", "none", "--no-progress", "--json"]) == 0
    shown = capsys.readouterr()
    assert "no lexicon for captions in `it`" in shown.err
    assert "no audio stream is in the captions' language (it)" in shown.err
    assert json.loads(shown.out)["summary"]["events"] == 1
