"""Small encoders with random weights, as model folders, for tests."""

from pathlib import Path

import torch

from avtool.core.registry import create
from avtool.data.audio_settings import AudioSettings
from avtool.data.video_settings import VideoSettings
from avtool.jobs.predicting.feed import Feed
from avtool.models.model_folder import ModelDescription, save_model

ARGUMENTS = {
    "cnn_tiny": {},
    "mbt_tiny": {"audio_frames": 96, "num_mel_bins": 32, "video_frames": 4, "image_size": 16},
}
INPUTS = {"cnn_tiny": ("audio",), "mbt_tiny": ("audio", "video")}


def save_encoder(folder: Path, builder: str = "cnn_tiny", seed: int = 0) -> Path:
    """A model of about a second of sound, and of four frames in it."""
    torch.manual_seed(seed)
    model = create(builder, **ARGUMENTS[builder])
    feed = Feed(
        inputs=INPUTS[builder],
        audio=AudioSettings(num_mel_bins=32),
        num_frames=96,
        mean=-5.0,
        std=4.0,
        video=VideoSettings(num_frames=4, seconds=1.0, size=16, short_side=16),
    )
    save_model(folder, model.state_dict(), ModelDescription(builder, ARGUMENTS[builder], feed.to_json()))
    return folder
