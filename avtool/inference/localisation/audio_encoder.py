"""Encoders of audio: one feature a window, of films as they are decoded and of short sounds."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.spec import InputSpec, Window
from avtool.data.items import Item
from avtool.inference.predictor import Predictor
from avtool.inference.windows import in_batches, iter_windows
from avtool.media.waveforms import Waveform
from avtool.models.encoder import need_encoder
from avtool.models.foreign import locate
from avtool.models.model_files import WEIGHTS

Vectors = NDArray[np.float32]
_BATCH = 32


class AudioEncoder:
    """A network that gives a feature of each window of audio.

    Args:
        path: a model, a run, or weights of others, that takes audio.
        runtime: device and precision.
        reporter: gets both.
        hop: seconds from one window to the next; None for the model's own, or a quarter of its window.
        seconds: of a window, of networks that pool over any length; None for that of the training.

    Attributes:
        path: as given.
        predictor: the network on its device, on audio alone.
        hop: seconds from one window to the next.

    Raises:
        BadInputError: the path holds no encoder of audio, or one that takes windows of one length alone.
    """

    def __init__(
        self,
        path: Path,
        runtime: RuntimeRecipe,
        reporter: Reporter,
        *,
        hop: float | None = None,
        seconds: float | None = None,
    ) -> None:
        whole = Predictor(path, runtime, reporter)
        need_encoder(whole.model, str(path))
        if "audio" not in whole.inputs:
            message = f"`{path}` takes {' and '.join(whole.inputs.names)}, no audio"
            raise BadInputError(message, "give an encoder of audio as --audio-encoder")
        self.path = path
        self.predictor = whole.only("audio")
        if seconds is not None:
            self.predictor.inputs = self._windows_of(seconds)
        self.hop = hop or self.predictor.inputs.hop or min(1.0, self.seconds / 4)

    @property
    def seconds(self) -> float:
        """Duration of a window."""
        return self.predictor.inputs.seconds

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights."""
        return sha256_of(locate(self.path) / WEIGHTS)

    def _windows_of(self, seconds: float) -> InputSpec:
        """The input with windows of another length, to the next frame."""
        from avtool.models.convolutional.pooled_network import PooledNetwork

        audio = self.predictor.inputs.get(AudioInput)
        if audio is None or not isinstance(self.predictor.model, PooledNetwork):
            message = f"`{self.path}` takes windows of {self.seconds:g} s alone"
            raise BadInputError(message, "index without `audio_window`")
        samples = seconds * audio.settings.sample_rate - audio.settings.window_size
        frames = 1 + max(0, round(samples / audio.settings.hop_size))
        return InputSpec((replace(audio, num_frames=frames, hop_frames=0),))

    def encode_film(self, film: Path, reporter: Reporter) -> Iterator[tuple[list[Window], Vectors]]:
        """The windows of a film, some at a time, and their features (n, D).

        Raises:
            BadInputError: the film cannot be read, or has no audio.
        """
        windows = iter_windows(Item(str(film), film), self.predictor.inputs, self.hop, reporter)
        for batch in in_batches(windows, _BATCH):
            yield batch, self.predictor.features(batch)

    def encode_waveform(self, waveform: Waveform) -> Vectors:
        """The features of a short sound, (n, D): of windows at the film's step, the last one padded.

        Args:
            waveform: mono, at `sample_rate`.
        """
        length, hop = (round(seconds * self.sample_rate) for seconds in (self.seconds, self.hop))
        count = 1 + max(0, -(-(len(waveform) - length) // hop))
        parts = [waveform[number * hop : number * hop + length] for number in range(count)]
        windows = [
            Window(n * self.hop, n * self.hop + self.seconds, {"audio": part}) for n, part in enumerate(parts)
        ]
        return np.concatenate([self.predictor.features(batch) for batch in in_batches(windows, _BATCH)])

    @property
    def sample_rate(self) -> int:
        """Of the waveforms that the network takes, in Hz."""
        audio = self.predictor.inputs.get(AudioInput)
        assert audio is not None, "it takes audio"
        return audio.settings.sample_rate
