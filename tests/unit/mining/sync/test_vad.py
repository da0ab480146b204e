import subprocess
import sys

import numpy as np
import pytest

from avtool.core.errors import MissingError
from avtool.core.reporter import Recorder
from avtool.mining.sync import vad
from avtool.mining.sync.vad import choose_detector, silero_probabilities, speech_signal

RATE = 16000


@pytest.fixture(scope="module")
def babble():
    """Ten seconds of noise, with voiced buzzes in the middle of each second."""
    rng = np.random.default_rng(0)
    time = np.arange(10 * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    shape = (np.sin(2 * np.pi * 4 * time) > 0) * (time % 1 > 0.3) * (time % 1 < 0.8)
    return (2500 * shape * voice + rng.normal(scale=60, size=len(time))).astype(np.int16)


@pytest.mark.parametrize("method", ["silero", "webrtc", "none"])
@pytest.mark.parametrize("num_samples", [0, 1, 159, 160, 161, 5000, 48123])
def test_one_value_in_0_to_1_for_each_begun_hundredth(babble, method, num_samples):
    speech = speech_signal(babble[:num_samples], method=method)
    assert speech.shape == (-(-num_samples // 160),)
    assert speech.dtype == np.float32
    assert ((speech >= 0) & (speech <= 1)).all()


@pytest.mark.parametrize("sample_rate", [8000, 16000, 32000, 48000])
def test_webrtc_decides_frame_by_frame(babble, sample_rate):
    import webrtcvad

    samples = np.resize(babble, 3 * sample_rate)
    detector = webrtcvad.Vad(3)
    frame = sample_rate // 100
    expected = [
        detector.is_speech(samples[start : start + frame].tobytes(), sample_rate)
        for start in range(0, len(samples), frame)
    ]
    speech = speech_signal(samples, sample_rate, "webrtc")
    assert speech.tolist() == expected
    assert 0 < speech.mean() < 1


@pytest.mark.parametrize("method", ["silero", "webrtc"])
def test_length_of_the_blocks_changes_nothing(babble, method, monkeypatch):
    whole = speech_signal(babble, method=method)
    monkeypatch.setattr(vad, "_SILERO_BLOCK", 7)
    monkeypatch.setattr(vad, "_WEBRTC_BLOCK", 13)
    assert np.allclose(speech_signal(babble, method=method), whole, atol=1e-5)


def test_memory_map_gives_the_same_as_the_array(babble, tmp_path):
    path = tmp_path / "film.pcm"
    babble.tofile(path)
    mapped = np.memmap(path, np.int16, mode="r")
    assert np.array_equal(speech_signal(mapped), speech_signal(babble))


def test_digital_silence_is_no_speech():
    silence = np.zeros(5 * RATE, np.int16)
    assert speech_signal(silence, method="silero").max() < 0.1
    assert speech_signal(silence, method="webrtc").max() == 0


def test_silero_frames_are_centred_in_time(babble):
    probabilities = silero_probabilities(babble)
    speech = speech_signal(babble)
    for frame in (3, 50, 200):
        centre_s = (frame + 0.5) * 512 / RATE
        nearest = round(centre_s * 100 - 0.5)
        assert speech[nearest] == pytest.approx(probabilities[frame], abs=0.2)


@pytest.mark.parametrize(("method", "library"), [("silero", "onnxruntime"), ("webrtc", "webrtcvad")])
def test_absent_library_is_named_with_its_install_line(babble, method, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingError) as caught:
        speech_signal(babble, method=method)
    assert "pip install" in caught.value.hint


def test_synchronisation_never_loads_torch():
    program = (
        "import sys, numpy as np\n"
        "from avtool.mining.sync.synchronise import synchronise\n"
        "from avtool.mining.sync.vad import speech_signal\n"
        "speech_signal(np.zeros(16000, np.int16))\n"
        "assert not {'torch', 'torchaudio', 'silero_vad'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("library", ["onnxruntime", "silero_vad"])
def test_auto_is_webrtc_where_silero_is_absent(library, monkeypatch):
    recorder = Recorder()
    assert choose_detector("auto", recorder) == "silero"
    assert not recorder.infos
    monkeypatch.setitem(sys.modules, library, None)
    assert choose_detector("auto", recorder) == "webrtc"
    assert choose_detector("silero", recorder) == "silero"
    (notice,) = recorder.infos
    assert "pip install" in notice
