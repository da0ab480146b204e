"""The benchmark as a user runs it, on films made here: clips are read, distorted, and found again."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.benchmarks.fingerprint.recording import ReadingSettings, iter_recordings
from avtool.cli.main import run
from avtool.core.reporter import Recorder
from avtool.media.encode import FilmSettings, write_film
from tests.harness import save_encoder

RATE = 16000


def melody(seed: int, seconds: int) -> np.ndarray:
    """Plucked notes: a steady tone has its peak anywhere."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE // 4) / RATE
    notes = 200 * 2 ** (rng.integers(0, 40, 4 * seconds) / 12)
    return np.concatenate([0.3 * np.exp(-12 * t) * np.sin(2 * np.pi * note * t) for note in notes]).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two films and a audio file of 3 s, and a silent one."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(2):
        rng = np.random.default_rng(number)
        scene = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        frames = [np.roll(scene, step // 3, axis=1) for step in range(48)]
        settings = FilmSettings(fps=16, sample_rate=RATE)
        write_film(folder / f"{number}.mp4", settings, frames=frames, audio=[melody(number, 3)[:, None]])
    soundfile.write(folder / "2.wav", melody(2, 3), RATE)
    soundfile.write(folder / "3.wav", np.zeros(3 * RATE), RATE)
    return folder


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    common = ["eval", "--benchmark", "fingerprint", "--json", "--no-progress", "-q"]
    assert run([*common, *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out)["report"]


def test_classical_fingerprints_find_their_films(films: Path, capsys) -> None:
    found = report(capsys, "--data", films)["metrics"]
    assert found["clips"] == 3
    systems = found["systems"]
    assert set(systems) == {"landmarks, audio", "chroma, audio", "difference hash, video"}
    assert systems["landmarks, audio"]["clips"] == 3
    assert systems["difference hash, video"]["clips"] == 2
    for name in ("MP3 32 kbit/s", "gain -20 dB", "white noise 10 dB"):
        assert systems["landmarks, audio"]["distortions"][name]["R@1"] == 100
    assert systems["difference hash, video"]["distortions"]["JPEG 10-50"]["R@1"] == 100
    assert systems["chroma, audio"]["R@5"] == 100


def test_an_encoder_is_scored_on_each_modality_and_on_both(films: Path, tmp_path: Path, capsys) -> None:
    encoder = save_encoder(tmp_path / "model", "mbt_tiny")
    found = report(capsys, "--data", films, "--encoder", encoder, "--device", "cpu")
    systems = found["metrics"]["systems"]
    for name in ("encoder", "random init"):
        for modality in ("audio", "video", "both"):
            assert 0 <= systems[f"{name}, {modality}"]["R@1"] <= systems[f"{name}, {modality}"]["R@10"] <= 100
    assert systems["encoder, both"]["clips"] == 2
    assert len(systems["encoder, both"]["distortions"]) == 15
    assert [table["title"] for table in found["tables"]][1:] == [
        f"R@1 by distortion in %: {what}" for what in ("audio alone", "video alone", "audio and video")
    ]


def test_a_long_file_becomes_several_clips(films: Path) -> None:
    clips = list(
        iter_recordings(films / "0.mp4", ReadingSettings(clip_seconds=1.5, shortest=1.0), Recorder())
    )
    assert [clip.name for clip in clips] == ["0.mp4@0", "0.mp4@1.5"]
    assert all(clip.seconds == pytest.approx(1.5, abs=0.13) for clip in clips)


def test_silence_is_no_sound(films: Path) -> None:
    assert list(iter_recordings(films / "3.wav", ReadingSettings(), Recorder())) == []


def test_a_broken_file_is_skipped_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    recorder = Recorder()
    assert list(iter_recordings(tmp_path / "bad.mp4", ReadingSettings(), recorder)) == []
    assert "`bad.mp4` is skipped" in recorder.warnings[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "no --data given"), (["--data", "{films}/2.wav"], "has 1 clips")],
)
def test_what_is_refused(films: Path, capsys, arguments: list[str], message: str) -> None:
    given = [part.format(films=films) for part in arguments]
    assert run(["eval", "--benchmark", "fingerprint", *given, "--no-progress"]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
