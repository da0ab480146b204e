"""Synchronisation on real speech, with cues that another detector or a person made."""

import numpy as np
import pytest

from avtool.media.audio_decode import decode_audio
from avtool.media.captions.reading import read_captions
from avtool.mining.sync.splits import pieces_of
from avtool.mining.sync.synchronise import synchronise
from avtool.mining.sync.vad import speech_signal


def samples_of(path, tmp_path_factory):
    return decode_audio(path, tmp_path_factory.mktemp("sound") / "film.npy").open()


@pytest.fixture(scope="module")
def lecture(test_data, tmp_path_factory):
    return samples_of(test_data / "audio/events/physics_lecture_5.1_203s.webm", tmp_path_factory)


@pytest.fixture(scope="module")
def phrases(lecture):
    """(starts, ends) of the lecture's phrases by WebRTC's ear, pauses under 0.3 s bridged."""
    speech = speech_signal(lecture, method="webrtc") > 0
    for first, last in pieces_of(speech.astype(np.int64)):
        if not speech[first] and last - first < 30:
            speech[first:last] = True
    spans = [piece for piece in pieces_of(speech.astype(np.int64)) if speech[piece[0]]]
    return np.array([span for span in spans if span[1] - span[0] > 20]).T / 100


@pytest.mark.parametrize(("ratio", "offset"), [(1.0, 7.3), (1.0, -16.0), (25 / 24, 3.0)])
def test_one_detectors_phrases_are_put_back_on_anothers_speech(lecture, phrases, ratio, offset):
    starts, ends = (phrases - offset) / ratio
    result = synchronise(starts, ends, np.ones(len(starts), bool), speech_signal(lecture))
    assert len(starts) >= 40
    assert result.decision == "global"
    assert result.z > 6
    assert np.abs(result.map(starts) - phrases[0]).max() < 0.15


def test_phrases_in_step_stay(lecture, phrases):
    result = synchronise(*phrases, np.ones(phrases.shape[1], bool), speech_signal(lecture))
    assert result.decision == "identity"


def test_phrases_of_the_lecture_played_backwards_do_not_match(lecture, phrases):
    starts, ends = phrases[:, ::-1].max() - phrases[::-1, ::-1]
    result = synchronise(starts, ends, np.ones(len(starts), bool), speech_signal(lecture))
    assert result.decision in ("skipped", "refused")
    assert result.map.is_identity


def test_clip_with_three_cues_keeps_its_times(test_data, tmp_path_factory):
    samples = samples_of(test_data / "video/his_girl_friday_6s.mp4", tmp_path_factory)
    cues = read_captions(test_data / "video/his_girl_friday_6s.en.vtt").cues
    starts, ends = np.array([(cue.start_ms / 1000, cue.end_ms / 1000) for cue in cues]).T
    result = synchronise(starts, ends, np.ones(len(starts), bool), speech_signal(samples))
    assert result.decision == "skipped"
    assert f"only {len(cues)} dialogue cues" in result.reason


def test_human_captions_lie_where_the_detector_hears_speech(test_data, tmp_path_factory):
    samples = samples_of(test_data / "video/his_girl_friday_6s.mp4", tmp_path_factory)
    cues = read_captions(test_data / "video/his_girl_friday_6s.en.vtt").cues
    speech = speech_signal(samples)
    captioned = np.zeros(len(speech), bool)
    for cue in cues:
        captioned[cue.start_ms // 10 : cue.end_ms // 10] = True
    assert speech[captioned].mean() > 0.5
