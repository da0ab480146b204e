"""Our torch-free run of Silero's sequence model against the package's own Python, on real speech."""

import numpy as np
import pytest
import soundfile

from avtool.mining.sync.vad import silero_probabilities

silero_vad = pytest.importorskip("silero_vad")


@pytest.fixture(scope="module")
def speech(test_data):
    samples, sample_rate = soundfile.read(test_data / "audio/events/jfk_speech.flac", dtype="int16")
    step = sample_rate // 16000
    return np.ascontiguousarray(samples.reshape(len(samples), -1)[::step, 0])


def test_equals_silero_sequence_model(speech):
    model = silero_vad.load_silero_vad(onnx=True, sequence=True)
    theirs = model.audio_forward(speech.astype(np.float32) / 32768)
    assert np.abs(silero_probabilities(speech) - theirs).max() < 1e-5


def test_equals_silero_frame_by_frame(speech):
    import torch

    model = silero_vad.load_silero_vad(onnx=True)
    theirs = model.audio_forward(torch.from_numpy(speech.astype(np.float32) / 32768), 16000)[0].numpy()
    assert np.abs(silero_probabilities(speech) - theirs).max() < 1e-3
