"""Windows of audio of another length than those of the training."""

from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.audio_encoder import AudioEncoder
from avtool.inference.localisation.encoders import IndexRecipe
from avtool.inference.localisation.index_writer import write_index
from avtool.inference.localisation.queries import SoundClip, audio_query
from avtool.inference.localisation.query_encoders import QueryEncoders
from avtool.media.waveforms import read_waveform
from tests.harness import save_encoder

CPU = RuntimeRecipe(device="cpu", precision="fp32")
SECONDS = 0.5


def test_short_windows_have_the_features_of_their_audio(film: Path, tmp_path: Path) -> None:
    path = save_encoder(tmp_path / "sounds")
    encoder = AudioEncoder(path, CPU, Silent(), hop=0.25, seconds=SECONDS)
    assert encoder.seconds == pytest.approx(SECONDS, abs=0.01)
    batches = list(encoder.encode_film(film, Silent()))
    windows = [window for batch, _ in batches for window in batch]
    features = np.concatenate([found for _, found in batches])
    third = windows[3]
    assert (third.start, third.end) == pytest.approx((0.75, 0.75 + encoder.seconds), abs=1e-3)
    waveform = read_waveform(film, third.start, third.end, sample_rate=encoder.sample_rate)
    assert encoder.encode_waveform(waveform)[0] == pytest.approx(features[3], abs=1e-4)
    whole = AudioEncoder(path, CPU, Silent(), hop=0.25).encode_waveform(waveform)[0]
    assert np.abs(whole - features[3]).max() > 1e-2


def test_queries_have_the_windows_of_the_index(film: Path, tmp_path: Path, cache: Path) -> None:
    sounds = str(save_encoder(tmp_path / "sounds"))
    recipe = IndexRecipe(fps=4, hop=0.25, visual_encoder="none", audio_encoder=sounds, audio_window=SECONDS)
    index = write_index(film, tmp_path / "idx", recipe, Silent())
    assert index.card.audio is not None
    assert index.card.audio.window == SECONDS
    encoders = QueryEncoders(index.card, None, CPU, Silent())
    assert encoders.audio.seconds == pytest.approx(SECONDS, abs=0.01)
    assert len(encoders.tokens(audio_query(SoundClip(film, 1.0, 2.0)))) == 3


def test_a_network_of_one_length_is_refused(tmp_path: Path) -> None:
    path = save_encoder(tmp_path / "patches", "audio_mae_tiny_pretrain")
    with pytest.raises(BadInputError, match="takes windows of 0"):
        AudioEncoder(path, CPU, Silent(), seconds=SECONDS)
