"""AVT: a video and an audio encoder for contrastive learning with temporal self-supervision.

A reconstruction after Jenni, Black, Collomosse: Audio-Visual Contrastive Learning with Temporal
Self-Supervision (AAAI 2023). The objectives are in `avtool.objectives.temporal`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import normalize

from avtool.models.layers.settings import require
from avtool.models.temporal.encoders import make_audio_encoder, make_video_encoder
from avtool.models.temporal.heads import MODALITIES, PretextHeads, pretext_tasks_of, projection
from avtool.models.temporal.residual import kaiming_fan_out


@dataclass(frozen=True)
class AVTSettings:
    """The settings of a pair of encoders.

    Attributes:
        video_arch: r2plus1d18, r3d18, mc3_18 or tiny.
        audio_arch: resnet18, ast (or ast_small, ast_deit_tiny, ast_tiny) or tiny.
        tasks: groups of pretext tasks: speed, direction, order (or a half of it: order-within one modality,
            order-across both); each task has a head.
        num_speeds: classes of speed.
        hidden_dim: width of the hidden layers of projections and heads.
        projection_dim: width of the projections that are contrasted.
        audio_frames: frames of a spectrogram; the convolutions take any number.
        num_mel_bins: mel bins F.
        recompute: trade time for memory in the first stages of the video encoder.
    """

    video_arch: str = "r2plus1d18"
    audio_arch: str = "resnet18"
    tasks: tuple[str, ...] = ("speed", "direction", "order")
    num_speeds: int = 4
    hidden_dim: int = 512
    projection_dim: int = 128
    audio_frames: int = 100
    num_mel_bins: int = 128
    recompute: bool = False

    def __post_init__(self) -> None:
        pretext_tasks_of(self.tasks)
        require(self.num_speeds >= 2, f"speed classification needs at least 2 speeds, not {self.num_speeds}")


class AVTOutput(NamedTuple):
    """The outputs for two clips of each video and their audio.

    Attributes:
        features: by modality (B, 2, D), of the encoders.
        projections: by modality (B, 2, P), unit length, float32.
        pretext_logits: logits by pretext task; see `PretextHeads`.
    """

    features: dict[str, Tensor]
    projections: dict[str, Tensor]
    pretext_logits: dict[str, Tensor]


class AVT(nn.Module):
    """A video and an audio encoder, their projections into a common space, and the heads of pretext tasks.

    Args:
        settings: of the network.

    Attributes:
        pretext_tasks: the tasks that have a head.
    """

    inputs = ("audio", "video")

    def __init__(self, settings: AVTSettings) -> None:
        super().__init__()
        self.settings = settings
        self.pretext_tasks = pretext_tasks_of(settings.tasks)
        self.encoder = make_encoders(
            settings.video_arch,
            settings.audio_arch,
            settings.audio_frames,
            settings.num_mel_bins,
            recompute=settings.recompute,
        )
        dims = feature_dims(self.encoder)
        self.projection = nn.ModuleDict(
            {
                name: projection(dim, settings.hidden_dim, settings.projection_dim)
                for name, dim in dims.items()
            }
        )
        self.heads = PretextHeads(self.pretext_tasks, dims, settings.hidden_dim, settings.num_speeds)
        self.projection.apply(kaiming_fan_out)
        self.heads.apply(kaiming_fan_out)

    def forward(self, video: Tensor, audio: Tensor) -> AVTOutput:
        """Encodes both clips of each video in one pass.

        Args:
            video: (B, 2, 3, T, H, W) in [-1, 1].
            audio: (B, 2, T, F) normalised log-mel spectrograms of the same times.
        """
        require(
            video.dim() == 6 and audio.dim() == 4 and video.shape[1] == audio.shape[1] == 2,
            "the model takes two clips of each video: (batch, 2, 3, frames, height, width) and (batch, 2, "
            f"frames, mel bins), not {tuple(video.shape)} and {tuple(audio.shape)}",
        )
        features, projections = {}, {}
        for name, clips in {"video": video, "audio": audio}.items():
            feature = self.encoder[name](clips.flatten(0, 1))
            projected = self.projection[name](feature)
            features[name] = feature.reshape(-1, 2, feature.shape[1])
            projections[name] = normalize(projected.float(), dim=1).reshape(-1, 2, projected.shape[1])
        return AVTOutput(features, projections, self.heads(features))

    def embed(self, audio: Tensor | None = None, video: Tensor | None = None) -> dict[str, Tensor]:
        """The encoders' output (B, D) for audio (B, T, F) and video (B, 3, T, H, W), whichever is given."""
        given = {"audio": audio, "video": video}
        return {name: self.encoder[name](clips) for name, clips in given.items() if clips is not None}


def make_encoders(
    video_arch: str, audio_arch: str, audio_frames: int, num_mel_bins: int, *, recompute: bool = False
) -> nn.ModuleDict:
    """The two encoders by modality."""
    return nn.ModuleDict(
        {
            "video": make_video_encoder(video_arch, recompute=recompute),
            "audio": make_audio_encoder(audio_arch, audio_frames, num_mel_bins),
        }
    )


def feature_dims(encoders: nn.ModuleDict) -> dict[str, int]:
    """The width of each encoder's feature."""
    dims: dict[str, int] = {}
    for name, encoder in encoders.items():
        assert name in MODALITIES, "an encoder is called by its modality"
        assert isinstance(encoder.out_dim, int), "an encoder has a width"
        dims[name] = encoder.out_dim
    return dims
