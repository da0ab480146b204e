"""Speech detection in a film's audio: one probability for every 10 ms.

Both detectors work on blocks, so the memory does not grow with the film. Silero's Python package imports
torch; its ONNX file does not need it, so the file is found beside the package and run by ONNX Runtime alone.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import MissingError
from avtool.core.reporter import Reporter
from avtool.core.requirements import is_installed
from avtool.media.audio_cut import release_pages

FRAME_RATE = 100
"""Frames per second of every speech signal here."""

VadMethod = Literal["silero", "webrtc", "none"]

_SILERO_INSTALL = "pip install onnxruntime && pip install --no-deps 'silero-vad>=6.2.3'"  # without torch

_SILERO_RATE = 16000
_SILERO_FRAME = 512  # samples a probability stands for
_SILERO_CONTEXT = 64  # samples of the frame before, which the network sees too
_SILERO_LAG_S = 0.06  # by which its probability follows the voice, both when it comes and when it goes
_SILERO_BLOCK = 512  # frames a call: longer blocks bring no more speed
_WEBRTC_RATES = (8000, 16000, 32000, 48000)
_WEBRTC_MODE = 3  # the strictest: music and noise are worse for synchronisation than missed words
_WEBRTC_BLOCK = 6000  # frames a block, one minute


def choose_detector(wanted: VadMethod | Literal["auto"], reporter: Reporter) -> VadMethod:
    """The speech detector of `--vad`.

    Args:
        wanted: `auto` chooses silero where its ONNX file and ONNX Runtime are installed, else webrtc.
        reporter: gets a line where it is webrtc.
    """
    if wanted != "auto":
        return wanted
    if is_installed("onnxruntime") and _silero_file() is not None:
        return "silero"
    reporter.info(f"speech detector: webrtc, as silero is not installed ({_SILERO_INSTALL})")
    return "webrtc"


def speech_signal(
    samples: NDArray[np.int16], sample_rate: int = 16000, method: VadMethod = "silero", threads: int = 1
) -> NDArray[np.float32]:
    """How likely speech is in each hundredth of a second.

    Args:
        samples: (N,) mono audio, 16-bit; a memory map is read block by block.
        sample_rate: Hz; 16000 for silero, any of 8000, 16000, 32000, 48000 for webrtc.
        method: `silero` gives probabilities, `webrtc` zeros and ones, `none` silence throughout (which
            `synchronise` takes as "nothing to compare with").
        threads: how many threads ONNX Runtime may use; more than one rarely helps.

    Returns:
        (ceil(100 N / sample_rate),) values in 0..1; the last, unfinished frame is completed with silence.

    Raises:
        MissingError: the detector's library is not installed.
    """
    assert samples.ndim == 1, "mono audio is needed"
    assert samples.dtype == np.int16, "16-bit samples are needed"
    num_frames = -(-len(samples) * FRAME_RATE // sample_rate)
    if method == "none" or num_frames == 0:
        return np.zeros(num_frames, np.float32)
    if method == "webrtc":
        return _webrtc_signal(samples, sample_rate)
    assert sample_rate == _SILERO_RATE, "the Silero model takes 16 kHz only"
    probabilities = silero_probabilities(samples, threads)
    centres = (np.arange(len(probabilities)) + 0.5) * (_SILERO_FRAME / _SILERO_RATE) - _SILERO_LAG_S
    times = (np.arange(num_frames) + 0.5) / FRAME_RATE
    return np.interp(times, centres, probabilities).astype(np.float32)


def silero_probabilities(samples: NDArray[np.int16], threads: int = 1) -> NDArray[np.float32]:
    """Silero's speech probability for each 32 ms of 16 kHz sound, (ceil(N / 512),)."""
    session = _silero_session(threads)
    state = cell = np.zeros((1, 1, 128), np.float32)
    context = np.zeros(_SILERO_CONTEXT, np.float32)
    outputs = []
    for block in _blocks(samples, _SILERO_FRAME, _SILERO_BLOCK):
        frames = block.astype(np.float32) / 32768
        ends = frames[:, -_SILERO_CONTEXT:]
        contexts = np.vstack([context[None], ends[:-1]])
        inputs = {"input": np.hstack([contexts, frames]), "h": state, "c": cell}
        values, state, cell = session.run(["speech_probs", "hn", "cn"], inputs)
        context = ends[-1]
        outputs.append(values.reshape(-1))
    return np.concatenate(outputs)


def _silero_session(threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        message = "the silero speech detector needs ONNX Runtime"
        raise MissingError(message, f"{_SILERO_INSTALL}, or --vad webrtc") from error
    model = _silero_file()
    if model is None:
        message = "the silero speech detector is not installed"
        raise MissingError(message, f"{_SILERO_INSTALL}, or --vad webrtc")
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])


def _silero_file() -> Path | None:
    """The ONNX file of the package; found without running the package, which imports torch."""
    spec = importlib.util.find_spec("silero_vad")
    folders = spec.submodule_search_locations if spec else None
    model = Path(folders[0]) / "data" / "silero_vad_16k_sequence.onnx" if folders else None
    return model if model is not None and model.is_file() else None


def _webrtc_signal(samples: NDArray[np.int16], sample_rate: int) -> NDArray[np.float32]:
    assert sample_rate in _WEBRTC_RATES, f"WebRTC takes {_WEBRTC_RATES} Hz"
    try:
        import webrtcvad
    except ImportError as error:
        hint = "pip install webrtcvad-wheels, or --vad silero"
        raise MissingError("the webrtc speech detector is not installed", hint) from error
    is_speech = webrtcvad.Vad(_WEBRTC_MODE).is_speech
    frame_bytes = 2 * sample_rate // FRAME_RATE
    speech: list[bool] = []
    for block in _blocks(samples, sample_rate // FRAME_RATE, _WEBRTC_BLOCK):
        data = block.tobytes()
        starts = range(0, len(data), frame_bytes)
        speech += [is_speech(data[start : start + frame_bytes], sample_rate) for start in starts]
    return np.array(speech, np.float32)


def _blocks(samples: NDArray[np.int16], frame: int, frames_a_block: int) -> Iterator[NDArray[np.int16]]:
    """The samples as (frames, frame) blocks; the last frame is completed with silence."""
    for start in range(0, len(samples), frame * frames_a_block):
        block = np.asarray(samples[start : start + frame * frames_a_block])
        missing = -len(block) % frame
        yield np.pad(block, (0, missing)).reshape(-1, frame)
        release_pages(samples)
