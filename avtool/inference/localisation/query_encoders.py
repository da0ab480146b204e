"""Queries as tokens: by the visual and the audio encoder of an index, and by an encoder of texts."""

from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.audio_encoder import AudioEncoder
from avtool.inference.localisation.film_index import IndexCard, StreamCard
from avtool.inference.localisation.frame_encoder import FrameEncoder
from avtool.inference.localisation.queries import Query, SoundClip
from avtool.inference.localisation.text_encoder import DEFAULT, TextEncoder
from avtool.media.waveforms import Waveform, read_waveform

Vectors = NDArray[np.float32]
Encoder = TypeVar("Encoder", FrameEncoder, AudioEncoder)
LONGEST = 30.0
"""Seconds of a sound clip that are encoded."""


class QueryEncoders:
    """Encodes queries as the films of an index were encoded; each encoder is opened when it is needed.

    Args:
        card: of an index, which names the encoders of images and of sounds.
        text_encoder: of sentences and labels; None for all-MiniLM-L6-v2.
        runtime: device and precision.
        reporter: gets both.
    """

    def __init__(
        self, card: IndexCard, text_encoder: str | None, runtime: RuntimeRecipe, reporter: Reporter
    ) -> None:
        self.card, self._runtime, self._reporter = card, runtime, reporter
        self._text_name = text_encoder or DEFAULT

    def tokens(self, query: Query) -> Vectors:
        """A query as tokens, (L, C): of an image its grid, of a sound its windows, of a text its words.

        Raises:
            BadInputError: the query cannot be read, the index has no such modality, or its encoder has
                changed since.
            MissingError: the text encoder is not on this machine.
        """
        if query.kind == "image":
            grid: Vectors = self.visual.encode_image(query.image).tokens[0]
            return grid
        if query.kind == "audio":
            return self.audio.encode_waveform(self.waveform(query.clip))
        return self.text.tokens(query.text)

    def waveform(self, clip: SoundClip) -> Waveform:
        """A sound clip at the audio encoder's rate; of a long one the first 30 s."""
        end = clip.start + LONGEST if clip.end is None else min(clip.end, clip.start + LONGEST)
        return read_waveform(clip.path, clip.start, end, sample_rate=self.audio.sample_rate)

    @cached_property
    def visual(self) -> FrameEncoder:
        """The encoder of the index's frames, and of images.

        Raises:
            BadInputError: the index has no frames, or the encoder has changed.
        """
        stream = self._stream("visual", self.card.visual)
        encoder = FrameEncoder(
            Path(stream.encoder),
            self._runtime,
            self._reporter,
            size=self.card.size,
            grid=max(self.card.grid),
        )
        return _checked("visual", encoder, stream)

    @cached_property
    def audio(self) -> AudioEncoder:
        """The encoder of the index's audio, and of sounds.

        Raises:
            BadInputError: the index has no audio, or the encoder has changed.
        """
        stream = self._stream("audio", self.card.audio)
        encoder = AudioEncoder(
            Path(stream.encoder),
            self._runtime,
            self._reporter,
            hop=stream.hop,
            seconds=stream.window or None,
        )
        return _checked("audio", encoder, stream)

    @cached_property
    def text(self) -> TextEncoder:
        """The encoder of sentences and labels.

        Raises:
            MissingError: it is not on this machine.
        """
        return TextEncoder(self._text_name, self._runtime)

    def _stream(self, noun: str, stream: StreamCard | None) -> StreamCard:
        if stream is None:
            message = f"the index of `{self.card.film}` has no {noun} features"
            raise BadInputError(message, f"index the film with --{noun}-encoder ENCODER")
        return stream


def _checked(noun: str, encoder: Encoder, stream: StreamCard) -> Encoder:
    """An encoder, if its weights are still those that made the index."""
    if encoder.weights != stream.weights:
        message = (
            f"the {noun} encoder `{stream.encoder}` has changed since the film was indexed (SHA-256 "
            f"{stream.weights[:12]} then, {encoder.weights[:12]} now)"
        )
        raise BadInputError(message, "index the film again")
    return encoder
