"""Real films and sounds, sane and damaged: each is read to the end, or refused in one line that says why."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.media.audio_decode import AudioTrack, decode_audio, decode_audio_array
from avtool.media.probe import probe
from avtool.media.video_frames import iter_frames, read_frames

RATE = 16000
SILENT = "the audio is digital silence"
NO_SOUND = "has no audio stream (it has video)"
NO_PICTURE = "has no video stream"
NO_FILM = "is not a readable film or audio file"

# file → (seconds of sound, or why there is none; number of pictures, or why there are none; warnings)
TABLE: dict[str, tuple[float | str, int | str, tuple[str, ...]]] = {
    "video/bear_vp9_opus_3s.webm": (2.709, 82, ()),
    "video/big_buck_bunny_480p_30s_surround.mp4": (30.016, 720, ()),
    "video/exo_london_240p_15s.mp4": (15.536, 932, ()),
    "video/his_girl_friday_6s.en.vtt": (NO_FILM, NO_FILM, ()),
    "video/his_girl_friday_6s.mp4": (6.153, 185, ()),
    "video/mdn_crystal.webm": (11.958, 359, ()),
    "video/mdn_elf.webm": (8.034, 241, ()),
    "video/mdn_frog.webm": (8.279, 248, ()),
    "video/mdn_rabbit.mp4": (7.779, 234, ()),
    "video/mdn_rabbit.webm": (7.802, 234, ()),
    "video/nasa_webb_cleanroom_13s_captioned.mp4": (13.056, 390, ()),
    "video/tears_of_steel_battle_70s.webm": (70.545, 1691, ()),
    "video/hls_tears_of_steel/index.m3u8": (NO_FILM, NO_FILM, ()),
    "video/hls_tears_of_steel/playlist-video.m3u8": (NO_FILM, NO_FILM, ()),
    "video/hls_tears_of_steel/playlist-vtt.m3u8": (NO_FILM, NO_FILM, ()),
    "video/hls_tears_of_steel/video-069.ts": (2.003, 48, ()),
    "video/hls_tears_of_steel/video-070.ts": (2.009, 48, ()),
    "video/hls_tears_of_steel/video-071.ts": (1.523, 39, ()),
    "video/hls_tears_of_steel/vtt-069.vtt": (NO_FILM, NO_FILM, ()),
    "video/hls_tears_of_steel/vtt-070.vtt": (NO_FILM, NO_FILM, ()),
    "video/hls_tears_of_steel/vtt-071.vtt": (NO_FILM, NO_FILM, ()),
    "video/hls_tears_of_steel/vtt-072.vtt": (NO_FILM, NO_FILM, ()),
    "video/hls_tears_of_steel/vtt-073.vtt": (NO_FILM, NO_FILM, ()),
    "video_edge/broken-file.ogg": ("cannot be opened: end of file", "cannot be opened: end of file", ()),
    "video_edge/cars_silent_audio.mp4": (30.165, 377, (SILENT,)),
    "video_edge/cea608_in_video_no_audio.ts": (NO_SOUND, 599, ()),
    "video_edge/corrupted.mp4": (NO_SOUND, 28, ()),
    "video_edge/exo_bbb_2500ms.ts": (
        2.513,
        58,
        ("0.08 s of audio are missing (1 gap at 0:00:00.05): left silent",),
    ),
    "video_edge/exo_preroll-5s.mp4": (5.016, 125, (SILENT,)),
    "video_edge/exo_sample.flv": (1.090, 30, ()),
    "video_edge/exo_sample_fragmented.mp4": (1.068, 30, ()),
    "video_edge/exo_sample_h264_dts_audio.ts": (0.105, 3, (SILENT,)),
    "video_edge/exo_sample_mdat_too_long.mp4": (1.089, 30, ()),
    "video_edge/exo_sample_with_junk": (
        0.026,
        3,
        ("2 packets of audio could not be decoded at its end: invalid data found when processing input",),
    ),
    "video_edge/exo_sample_with_null_terminated_srt.mkv": (1.072, 30, ()),
    "video_edge/exo_sample_with_srt.mkv": (1.072, 30, ()),
    "video_edge/exo_sample_with_ssa_subtitles.mkv": (1.139, 30, ()),
    "video_edge/exo_sample_with_vtt_subtitles.mkv": (1.072, 30, ()),
    "video_edge/exo_testvid_1022ms.mp4": (1.022, 30, ()),
    "video_edge/flower_digital_silence.mp4": (5.056, 150, (SILENT,)),
    "video_edge/flower_fragmented.mp4": (
        5.123,
        150,
        ("0.07 s of audio are missing (1 gap at 0:00:00.02): left silent", SILENT),
    ),
    "video_edge/nasa_rotated.mp4": (NO_SOUND, 17, ()),
    "video_edge/non_zero_start.mp4": (NO_SOUND, 12, ()),
    "video_edge/tractor_no_audio.webm": (NO_SOUND, 248, ()),
    "audio/edge/doubleTag.oga": (3.0, NO_PICTURE, ()),
    "audio/edge/exo_bear-vbr-no-seek-table.mp3": (2.808, NO_PICTURE, ()),
    "audio/edge/exo_bear_vorbis_gap.ogg": (2.741, NO_PICTURE, ()),
    "audio/edge/exo_sample_ima_adpcm.wav": (1.018, NO_PICTURE, ()),
    "audio/edge/exo_sample_rf64.wav": (0.349, NO_PICTURE, ()),
    "audio/edge/exo_sample_with_trailing_bytes.wav": (1.0, NO_PICTURE, ()),
    "audio/edge/sine_16ch_s16.wav": (1.0, NO_PICTURE, ()),
    "audio/edge/sine_mono_f32.wav": (4.0, NO_PICTURE, ()),
    "audio/edge/sine_mono_f64.wav": (4.0, NO_PICTURE, ()),
    "audio/edge/sine_mono_s24.wav": (4.0, NO_PICTURE, ()),
    "audio/edge/sine_mono_s32_8000.wav": (4.0, NO_PICTURE, ()),
    "audio/edge/sine_mono_u8.wav": (4.0, NO_PICTURE, ()),
    "audio/events/bear.mp3": (6.235, NO_PICTURE, ()),
    "audio/events/birds1.wav": (13.041, NO_PICTURE, ()),
    "audio/events/car_engine.wav": (13.718, NO_PICTURE, ()),
    "audio/events/cinematic.wav": (15.375, NO_PICTURE, ()),
    "audio/events/countdown.mp3": (19.026, NO_PICTURE, ()),
    "audio/events/crowd_cheering.wav": (13.249, NO_PICTURE, ()),
    "audio/events/guitar.ogg": (22.831, NO_PICTURE, ()),
    "audio/events/jazz_guitar.wav": (11.498, NO_PICTURE, ()),
    "audio/events/jfk_speech.flac": (11.0, NO_PICTURE, ()),
    "audio/events/physics_lecture_5.1_203s.webm": (203.283, NO_PICTURE, ()),
    "audio/events/rain.wav": (12.320, NO_PICTURE, ()),
    "audio/events/t-rex-roar.mp3": (2.074, NO_PICTURE, ()),
    "audio/events/typing.wav": (11.886, NO_PICTURE, ()),
    "audio/events/voices-around-a-fire.mp3": (30.367, NO_PICTURE, ()),
    "audio/esc50_extra/1-24074-A-43.wav": (5.0, NO_PICTURE, ()),
    "audio/esc50_extra/1-58792-A-24.wav": (5.0, NO_PICTURE, ()),
    "audio/esc50_extra/3-120526-B-37.wav": (5.0, NO_PICTURE, ()),
    "audio/esc50_extra/3-144891-B-19.wav": (5.0, NO_PICTURE, ()),
    "audio/esc50_extra/3-95694-A-5.wav": (5.0, NO_PICTURE, ()),
}
SOUNDFILES = [
    name for name, (seconds, _, _) in TABLE.items() if name.startswith("audio/") and seconds != 203.283
]
SINES = [name for name in TABLE if "/sine_" in name]


def test_table_names_every_file(test_data: Path) -> None:
    folders = (
        "video",
        "video/hls_tears_of_steel",
        "video_edge",
        "audio/edge",
        "audio/events",
        "audio/esc50_extra",
    )
    files = {path for folder in folders for path in (test_data / folder).iterdir() if path.is_file()}
    assert {str(path.relative_to(test_data)) for path in files} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_sound(test_data: Path, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    expected, _, warnings = TABLE[name]
    if isinstance(expected, str):
        with pytest.raises(BadInputError) as caught:
            decode_audio(test_data / name, tmp_path / "out.npy")
        assert expected in caught.value.message
        assert Path(name).name in caught.value.message
        assert "\n" not in caught.value.message + caught.value.hint
        assert list(tmp_path.iterdir()) == []
    else:
        track = decode_audio(test_data / name, tmp_path / "out.npy")
        assert track.last_pts_s == pytest.approx(expected, abs=0.001)
        assert track.open().shape == (track.num_samples,)
        assert (track.warnings, track.complete) == (warnings, "at its end" not in "".join(warnings))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", [name for name in TABLE if not name.startswith("audio/")])
def test_pictures(test_data: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    expected = TABLE[name][1]
    if isinstance(expected, str):
        with pytest.raises(BadInputError) as caught:
            next(iter_frames(test_data / name))
        assert expected in caught.value.message
    else:
        times = [time for time, _ in iter_frames(test_data / name, size=32)]
        assert len(times) == expected
        assert (np.diff(times) > 0).all()
        assert -0.001 < times[0] < 0.1
    assert capfd.readouterr() == ("", "")


def native(path: Path, out: Path) -> AudioTrack:
    """The file decoded at its own rate, so that nothing is resampled."""
    return decode_audio(path, out, sample_rate=probe(path).audio[0].sample_rate)


@pytest.mark.parametrize("name", SOUNDFILES)
def test_samples_are_those_of_libsndfile(test_data: Path, tmp_path: Path, name: str) -> None:
    reference, rate = soundfile.read(test_data / name, always_2d=True)
    track = native(test_data / name, tmp_path / "out.npy")
    assert (track.sample_rate, track.num_samples) == (rate, len(reference))
    mono = reference.mean(axis=1)
    difference = track.open() / 32768 - np.clip(mono, -1, 32767 / 32768)
    lossy = not name.endswith((".wav", ".flac"))
    assert np.abs(difference).max() <= (1e-3 if lossy else 1.01 / 32768)


@pytest.mark.parametrize("name", SINES)
def test_sines_keep_pitch_and_strength_in_every_sample_format(
    test_data: Path, tmp_path: Path, name: str
) -> None:
    sound = decode_audio(test_data / name, tmp_path / "out.npy").open()[:RATE] / 32768
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(RATE)))
    assert int(np.argmax(spectrum)) == 440
    assert np.sqrt(2 * np.mean(sound**2)) == pytest.approx(0.3, rel=0.01)


def test_surround_is_mixed_down_without_clipping(test_data: Path, tmp_path: Path) -> None:
    path = test_data / "video/big_buck_bunny_480p_30s_surround.mp4"
    assert probe(path).audio[0].layout == "5.1"
    sound = decode_audio(path, tmp_path / "out.npy").open()
    assert 1000 < np.abs(sound.astype(int)).max() < 32767


def lag_and_likeness(one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """By how many samples `one` comes later than `other`, and their correlation then."""
    size = 2 * max(len(one), len(other))
    one, other = one.astype(float), other.astype(float)
    products = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)))
    peak = int(np.argmax(products))
    lag = peak - size if peak > size // 2 else peak
    return lag, float(products[peak] / np.sqrt((one @ one) * (other @ other) + 1e-9))


def test_one_scene_in_two_codecs(test_data: Path, tmp_path: Path) -> None:
    """H.264 with AAC beside VP8 with Vorbis: the same pictures and sounds at the same film times."""
    first, second = test_data / "video/mdn_rabbit.mp4", test_data / "video/mdn_rabbit.webm"
    times = np.arange(0.5, 7.5, 0.5).tolist()
    pictures = [read_frames(path, times, size=(24, 36))[0].astype(float) for path in (first, second)]
    for one, other in zip(*pictures, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.98
    sounds = [decode_audio(path, tmp_path / "out.npy").open() for path in (first, second)]
    lag, likeness = lag_and_likeness(*sounds)
    assert abs(lag) < 0.03 * RATE
    assert likeness > 0.9


def test_beep_belongs_to_its_picture(test_data: Path, tmp_path: Path) -> None:
    """One picture says "Bip!" in a full white circle; one picture's time of sound beeps.

    The file tells nothing of its encoder's delay, so the beep comes 73 ms late in every player, and here.
    """
    path = test_data / "video_edge/exo_testvid_1022ms.mp4"
    found = list(iter_frames(path, size=90))
    bip = max(found, key=lambda timed: timed[1].mean())[0]
    sound = decode_audio(path, tmp_path / "out.npy", sample_rate=44100).open()
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 6000) / 44100
    assert bip == 0.0
    assert loud[0] - bip == pytest.approx(0.0733, abs=0.001)
    assert loud[-1] - loud[0] == pytest.approx(1000 / 29917, abs=0.001)


def test_corrupted_film_shows_its_last_good_picture(test_data: Path) -> None:
    reporter = Recorder()
    path = test_data / "video_edge/corrupted.mp4"
    pictures, times = read_frames(path, [2.7, 4.9], size=90, reporter=reporter)
    np.testing.assert_allclose(times, [2.7, 2.7])
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert len(reporter.warnings) == 1


def test_stream_choice_of_a_film_with_two_of_each(test_data: Path, tmp_path: Path) -> None:
    reporter = Recorder()
    path = test_data / "video/nasa_webb_cleanroom_13s_captioned.mp4"
    assert decode_audio(path, tmp_path / "out.npy", reporter=reporter).stream == 4
    assert "audio stream #4 (aac eng, stereo, 16000 Hz) chosen" in reporter.infos[0]
    assert read_frames(path, [0.0])[0].shape == (1, 270, 480, 3)
    assert [stream.codec for stream in probe(path).captions] == ["mov_text", "mov_text"]


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, (seconds, _, warnings) in TABLE.items()
        if isinstance(seconds, float) and 2 < seconds < 100 and SILENT not in warnings
    ],
)
def test_spans_are_slices(test_data: Path, tmp_path: Path, name: str) -> None:
    """In the middle and at the end: to the millisecond, but for the 20 ms by which Vorbis in WebM strays."""
    tolerance = 0.021 if "tears" in name or "mdn" in name else 0.001
    whole = decode_audio(test_data / name, tmp_path / "out.npy").open()
    for start in (0.6 * len(whole) / RATE, len(whole) / RATE - 0.5):
        expected = whole[round(start * RATE) :][:8000]
        span = decode_audio_array(test_data / name, start, 0.5)
        assert len(span) == pytest.approx(len(expected), abs=tolerance * RATE)
        lag, likeness = lag_and_likeness(span, expected)
        assert abs(lag) <= tolerance * RATE
        assert likeness > 0.6 or not expected.any()
