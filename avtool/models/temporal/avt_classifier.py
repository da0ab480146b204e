"""A classifier over the encoders of `avtool.models.temporal.avt`, to adapt them to labels."""

from dataclasses import dataclass

from torch import Tensor, nn

from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.presence import Presence, average_present, zero_absent
from avtool.models.layers.settings import require
from avtool.models.temporal.avt import feature_dims
from avtool.models.temporal.encoders import make_audio_encoder, make_video_encoder
from avtool.models.temporal.heads import MODALITIES
from avtool.models.temporal.residual import kaiming_fan_out


@dataclass(frozen=True)
class AVTClassifierSettings:
    """The settings of a classifier.

    Attributes:
        num_classes: width of the output.
        modalities: "video", "audio" or both.
        video_arch: as in `AVTSettings`.
        audio_arch: as in `AVTSettings`.
        audio_frames: frames of a spectrogram.
        num_mel_bins: mel bins F.
        dropout: probability, before the last layer.
        recompute: trade time for memory in the first stages of the video encoder.
    """

    num_classes: int = 101
    modalities: tuple[str, ...] = MODALITIES
    video_arch: str = "r2plus1d18"
    audio_arch: str = "resnet18"
    audio_frames: int = 100
    num_mel_bins: int = 128
    dropout: float = 0.5
    recompute: bool = False

    def __post_init__(self) -> None:
        require(
            bool(self.modalities) and set(self.modalities) <= set(MODALITIES),
            f"the modalities are audio and video, not {', '.join(self.modalities) or 'none'}",
        )


class AVTClassifier(nn.Module):
    """A linear layer over each encoder; a clip's score is the mean over the modalities that it has.

    Args:
        settings: of the network.
    """

    def __init__(self, settings: AVTClassifierSettings) -> None:
        super().__init__()
        self.settings = settings
        self.modalities = tuple(name for name in MODALITIES if name in settings.modalities)
        self.inputs = (*self.modalities, *(f"{name}_present" for name in self.modalities))
        self.encoder = nn.ModuleDict()
        if "video" in self.modalities:
            self.encoder["video"] = make_video_encoder(settings.video_arch, recompute=settings.recompute)
        if "audio" in self.modalities:
            self.encoder["audio"] = make_audio_encoder(
                settings.audio_arch, settings.audio_frames, settings.num_mel_bins
            )
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.ModuleDict(
            {name: nn.Linear(dim, settings.num_classes) for name, dim in feature_dims(self.encoder).items()}
        )
        self.head.apply(kaiming_fan_out)

    def forward(
        self,
        audio: Tensor | None = None,
        video: Tensor | None = None,
        audio_present: Tensor | None = None,
        video_present: Tensor | None = None,
    ) -> ClassifierOutput:
        """Scores clips by the modalities they have.

        Args:
            audio: (B, T, F) normalised log-mel spectrograms.
            video: (B, 3, T, H, W) frames in [-1, 1].
            audio_present: (B,), True where the sample has audio; None means all have.
            video_present: (B,), True where the sample has video.
        """
        masks = {"audio": audio_present, "video": video_present}
        given = {
            name: zero_absent(clips, masks[name])
            for name, clips in {"video": video, "audio": audio}.items()
            if clips is not None
        }
        present: Presence = {name: masks[name] for name in given}
        features = self.embed(**given)
        logits = {name: self.head[name](self.dropout(feature)) for name, feature in features.items()}
        return ClassifierOutput(average_present(logits, present), logits)

    def embed(self, audio: Tensor | None = None, video: Tensor | None = None) -> dict[str, Tensor]:
        """The encoders' output (B, D) for audio (B, T, F) and video (B, 3, T, H, W), whichever is given."""
        given = {name: clips for name, clips in {"video": video, "audio": audio}.items() if clips is not None}
        stray = [name for name in given if name not in self.modalities]
        require(not stray, f"the model was built without {' and '.join(stray)}")
        require(bool(given), f"the model takes {' and '.join(self.modalities)}, and got none of it")
        return {name: self.encoder[name](clips) for name, clips in given.items()}
