"""Two encoders, of sight and of sound, that learn from each other and from the passing of time.

A reconstruction after Jenni, Black, Collomosse: Audio-Visual Contrastive Learning with Temporal
Self-Supervision (AAAI 2023). The objectives are in `avtool.objectives.temporal`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import normalize

from avtool.models.layers.settings import require
from avtool.models.temporal.encoders import make_audio_encoder, make_video_encoder
from avtool.models.temporal.heads import MODALITIES, TimeHeads, projection, questions_of
from avtool.models.temporal.residual import kaiming_fan_out


@dataclass(frozen=True)
class AVTSettings:
    """What defines a pair of encoders.

    Attributes:
        video_arch: r2plus1d18, r3d18, mc3_18 or tiny.
        audio_arch: resnet18, ast (or ast_small, ast_deit_tiny, ast_tiny) or tiny.
        tasks: what is asked about time: speed, direction, order (or one half of it, order-within one modality
            and order-across both); a head stands for each.
        num_speeds: classes of speed.
        hidden_dim: width of the hidden layers of projections and heads.
        projection_dim: width of the space in which clips are compared.
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
        questions_of(self.tasks)
        require(self.num_speeds >= 2, f"telling speeds apart needs two of them, not {self.num_speeds}")


class AVTOutput(NamedTuple):
    """What the pair says of two clips of each video, and of the sound that goes with them.

    Attributes:
        features: by modality (B, 2, D), the encoders' output.
        projections: by modality (B, 2, P), of length 1, float32.
        answers: logits by question; see `TimeHeads`.
    """

    features: dict[str, Tensor]
    projections: dict[str, Tensor]
    answers: dict[str, Tensor]


class AVT(nn.Module):
    """A video and an audio encoder, their projections into a common space, and the questions about time.

    Args:
        settings: what to build.

    Attributes:
        questions: what the heads answer.
    """

    inputs = ("audio", "video")

    def __init__(self, settings: AVTSettings) -> None:
        super().__init__()
        self.settings = settings
        self.questions = questions_of(settings.tasks)
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
        self.heads = TimeHeads(self.questions, dims, settings.hidden_dim, settings.num_speeds)
        self.projection.apply(kaiming_fan_out)
        self.heads.apply(kaiming_fan_out)

    def forward(self, video: Tensor, audio: Tensor) -> AVTOutput:
        """Encodes both clips of each video in one pass.

        Args:
            video: (B, 2, 3, T, H, W) in [-1, 1].
            audio: (B, 2, T, F) normalised log-mel, in the time of each video clip.
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
        assert isinstance(encoder.out_dim, int), "an encoder tells its width"
        dims[name] = encoder.out_dim
    return dims
