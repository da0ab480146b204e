"""Small encoders with random weights, as model folders, for tests."""

from pathlib import Path

import torch

from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
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
    frames = VideoSettings(
        num_frames=1 if builder == "mae_tiny_pretrain" else 4,
        seconds=1.0,
        size=SIZE.get(builder, 32),
        short_side=SIZE.get(builder, 36),
    )
    known = {
        "audio": AudioInput(AudioSettings(num_mel_bins=32), 96, -5.0, 4.0),
        "video": VideoInput(frames),
        "image": ImageInput(frames),
    }
    inputs = InputSpec(tuple(known[name] for name in INPUTS[builder]))
    save_model(folder, model.state_dict(), ModelDescription(builder, ARGUMENTS[builder], inputs.to_json()))
    return folder
