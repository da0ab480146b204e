import numpy as np
import pytest
import soundfile

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder, Silent
from avtool.data.manifest import read_manifest
from avtool.data.moving_sources import in_turn, make_av_clips
from avtool.media.probe import probe
from avtool.media.video_frames import iter_frames
from avtool.media.waveforms import read_waveform
from avtool.synthetic.moving_sources import ClipSettings, Recording, fill, make_clip

RATE = 16000
SMALL = ClipSettings(seconds=2.0, size=32, fps=8)


def write_bursts(path, seconds: float = 3.0, pitch: float = 440.0) -> None:
    """A tone that is loud in every other half second."""
    t = np.arange(round(seconds * RATE)) / RATE
    loud = np.where((2 * t).astype(int) % 2 == 0, 0.8, 0.02)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, loud * np.sin(2 * np.pi * pitch * t), RATE)


@pytest.fixture
def sounds(tmp_path):
    for number, label in enumerate(("bell", "bell", "horn", "drum")):
        write_bursts(tmp_path / "sounds" / label / f"{number}.wav", pitch=300 + 100 * number)
    return tmp_path / "sounds"


def test_the_object_moves_when_it_sounds(tmp_path):
    write_bursts(tmp_path / "bell.wav", 4.0)
    settings = ClipSettings(seconds=4.0, size=64, fps=16)
    make_clip(
        tmp_path / "clip.mp4", Recording(tmp_path / "bell.wav", "bell"), settings, np.random.default_rng(1)
    )
    pictures = np.stack([picture for _, picture in iter_frames(tmp_path / "clip.mp4", fps=16)]).astype(float)
    sound = read_waveform(tmp_path / "clip.mp4", 0, 4)
    loudness = np.sqrt(np.square(sound[: 64 * 1000]).reshape(64, -1).mean(axis=1))
    still = np.abs(pictures - pictures[loudness < 0.05].mean(axis=0)).mean(axis=(1, 2, 3))
    assert np.corrcoef(still, loudness)[0, 1] > 0.5


def test_the_same_seed_makes_the_same_bytes(tmp_path):
    write_bursts(tmp_path / "bell.wav")
    films = []
    for number, seed in enumerate((1, 1, 2)):
        path = tmp_path / f"{number}.mp4"
        make_clip(path, Recording(tmp_path / "bell.wav", "bell"), SMALL, np.random.default_rng(seed))
        films.append(path.read_bytes())
    assert films[0] == films[1] != films[2]


def test_short_sounds_are_heard_again_after_a_pause():
    track = fill(np.ones(RATE // 2, np.float32), 4 * RATE, np.random.default_rng(0))
    starts = np.flatnonzero(np.diff(track) > 0)
    assert len(track) == 4 * RATE
    assert len(starts) >= 3
    assert 0.6 * RATE < np.diff(starts).min() <= np.diff(starts).max() < 1.4 * RATE


def test_long_sounds_are_cut():
    sound = np.arange(10 * RATE, dtype=np.float32)
    track = fill(sound, 4 * RATE, np.random.default_rng(0))
    assert np.array_equal(track, sound[int(track[0]) :][: 4 * RATE])


def test_a_data_set_of_moving_sources(tmp_path, sounds):
    made = make_av_clips(tmp_path / "clips", sounds, Silent(), count=6, settings=SMALL)
    manifest = read_manifest(made.out)
    assert made.classes == ("bell", "drum", "horn")
    assert [clip.labels[0] for clip in manifest][:3] == ["bell", "drum", "horn"]
    assert len({clip.group for clip in manifest}) == 4
    info = probe(manifest.local(manifest[0].audio))
    assert info.audio
    assert info.video[0].width == 32
    assert info.duration_s == pytest.approx(2.0, abs=0.1)


def test_what_is_finished_is_not_made_again(tmp_path, sounds):
    make_av_clips(tmp_path / "clips", sounds, Silent(), count=2, settings=SMALL)
    film = tmp_path / "clips" / "clips" / "00000.mp4"
    before = film.stat().st_mtime_ns
    make_av_clips(tmp_path / "clips", sounds, Silent(), count=2, settings=SMALL)
    assert film.stat().st_mtime_ns == before
    assert not (tmp_path / "clips.partial").exists()
    with pytest.raises(BadInputError, match="other settings"):
        make_av_clips(tmp_path / "clips", sounds, Silent(), count=3, settings=SMALL)


def test_silent_recordings_are_left_out_and_told_of(tmp_path, sounds):
    soundfile.write(sounds / "drum" / "3.wav", np.zeros(RATE), RATE)
    recorder = Recorder()
    made = make_av_clips(tmp_path / "clips", sounds, recorder, count=4, settings=SMALL)
    assert made.classes == ("bell", "horn")
    assert made.clips == 3
    assert len(recorder.warnings) == 1
    assert "is silent" in recorder.warnings[0]


def test_classes_come_in_turn(tmp_path):
    recordings = [Recording(tmp_path / str(n), label) for n, label in enumerate("aaaabbc")]
    labels = [recording.label for recording in in_turn(recordings, seed=0)]
    assert "".join(labels) == "abcabaa"


@pytest.mark.parametrize(("count", "size", "message"), [(0, 32, "0 clips"), (3, 33, "33 pixels")])
def test_impossible_clips_are_refused(tmp_path, sounds, count, size, message):
    with pytest.raises(BadInputError, match=message):
        make_av_clips(tmp_path / "x", sounds, Silent(), count=count, settings=ClipSettings(size=size))
