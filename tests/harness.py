"""Small encoders with random weights, as model folders, for tests."""

from pathlib import Path

import torch

from avtool.data.inputs.audio_settings import AudioSettings
from avtool.data.inputs.spec import Feed
from avtool.data.inputs.video_settings import VideoSettings
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create

ARGUMENTS = {
    "cnn_tiny": {},
    "avt_tiny": {"num_mel_bins": 32},
    "mae_tiny_pretrain": {},
    "audio_mae_tiny_pretrain": {"num_frames": 96},
    "mbt_tiny": {"audio_frames": 96, "num_mel_bins": 32, "video_frames": 4, "image_size": 16},
}
INPUTS = {
    "cnn_tiny": ("audio",),
    "audio_mae_tiny_pretrain": ("audio",),
    "mbt_tiny": ("audio", "video"),
    "avt_tiny": ("audio", "video"),
    "mae_tiny_pretrain": ("image",),
}
SIZE = {"mbt_tiny": 16}


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
        video=VideoSettings(
            num_frames=1 if builder == "mae_tiny_pretrain" else 4,
            seconds=1.0,
            size=SIZE.get(builder, 32),
            short_side=SIZE.get(builder, 36),
        ),
    )
    save_model(folder, model.state_dict(), ModelDescription(builder, ARGUMENTS[builder], feed.to_json()))
    return folder
