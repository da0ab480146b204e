"""MAViL, masked audio-video learners (Huang et al., NeurIPS 2023)."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from avtool.models.encoder import FUSED
from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.position import Grid
from avtool.models.layers.settings import require
from avtool.models.masked.audio_mae import PosLayout, audio_positions, make_audio_decoder
from avtool.models.masked.audio_video import AUDIO, VIDEO, AudioVideoEncoder, MaskedPair, unit_variance
from avtool.models.masked.autoencoder import MaskedPrediction, sample_masked
from avtool.models.masked.decoders import Decoder, DecoderKind, DecoderSettings, GlobalDecoder, WindowDecoder
from avtool.models.masked.fixed_positions import grid_positions
from avtool.models.masked.initialize import nearly_zero_head
from avtool.models.masked.masking import Masking, TokenSplit
from avtool.models.masked.patch_encoder import NORM_EPS, PatchEncoder, VitSettings
from avtool.models.masked.patch_grid import PatchGrid, take


@dataclass(frozen=True)
class MAViLSettings(VitSettings):
    """The settings of MAViL's encoders, beyond their size.

    Attributes:
        fusion_layers: blocks over the tokens of both; the published models have 2 in pretraining and 3 after
            fine-tuning.
        num_frames: frames T of the spectrogram, 100 a second.
        num_mel_bins: mel bins F.
        video_frames: frames of the video.
        image_size: height and width of a frame.
        tubelet_frames: frames in a patch of video.
        patch_size: side of the patches of both.
        pos_layout: of the audio; see `AudioMAESettings`.
    """

    fusion_layers: int = 2
    num_frames: int = 1024
    num_mel_bins: int = 128
    video_frames: int = 8
    image_size: int = 224
    tubelet_frames: int = 2
    patch_size: int = 16
    pos_layout: PosLayout = "grid"

    @property
    def grids(self) -> dict[str, PatchGrid]:
        """The patches of each modality."""
        video = (self.video_frames, self.image_size, self.image_size)
        return {
            AUDIO: PatchGrid(AUDIO, (self.num_frames, self.num_mel_bins), (self.patch_size,) * 2),
            VIDEO: PatchGrid(VIDEO, video, (self.tubelet_frames, self.patch_size, self.patch_size)),
        }

    def make_encoder(self, modalities: tuple[str, ...], *, final_norm: bool) -> AudioVideoEncoder:
        """The encoders of some modalities."""
        tables = {
            AUDIO: audio_positions(self.grids[AUDIO].shape, self.embed_dim, self.pos_layout),
            VIDEO: grid_positions(self.grids[VIDEO].shape, self.embed_dim),
        }
        encoders = {
            name: PatchEncoder(grid, self, tables[name], final_norm=final_norm)
            for name, grid in self.grids.items()
            if name in modalities
        }
        return AudioVideoEncoder(encoders, self.fusion_layers, self.num_heads, final_norm=final_norm)


@dataclass(frozen=True)
class MAViLClassifierSettings(MAViLSettings):
    """The settings of a classifier over MAViL's encoders.

    Attributes:
        modalities: "audio", "video" or both; with one there is no other encoder and no fusion.
        num_classes: width of the output.
    """

    modalities: tuple[str, ...] = (AUDIO, VIDEO)
    num_classes: int = 527

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            bool(self.modalities) and set(self.modalities) <= {AUDIO, VIDEO},
            f"the modalities are audio and video, not {', '.join(self.modalities) or 'none'}",
        )
        require(self.num_classes >= 1, f"a classifier needs classes, not {self.num_classes}")


@dataclass(frozen=True)
class MAViLPretrainSettings(DecoderSettings, MAViLSettings):
    """The settings of a MAViL in pretraining.

    Attributes:
        predicts: "pixels" of masked patches (stage 1), or a teacher's "features" of them (stage 2).
        audio_mask_ratio: share of masked patches of the audio.
        video_mask_ratio: of the video.
        audio_decoder: "window" or "global"; see `AudioMAEPretrainSettings`. Windows decode all masked tokens.
        audio_decoder_depth: its blocks; `decoder_depth` are those of the video's.
        decoder_shift: of its windows.
    """

    predicts: Literal["pixels", "features"] = "pixels"
    audio_mask_ratio: float = 0.8
    video_mask_ratio: float = 0.8
    audio_decoder: DecoderKind = "window"
    audio_decoder_depth: int = 16
    decoder_shift: Grid = (2, 2)

    def __post_init__(self) -> None:
        MAViLSettings.__post_init__(self)
        DecoderSettings.__post_init__(self)

    def make_decoders(self) -> dict[str, Decoder]:
        """A decoder for each modality."""
        widths = {
            name: self.embed_dim if self.predicts == "features" else grid.num_values
            for name, grid in self.grids.items()
        }
        audio = replace(self, decoder_depth=self.audio_decoder_depth)
        if self.audio_decoder == "window":
            audio = replace(audio, decode_fraction=1.0)
        video_positions = grid_positions(self.grids[VIDEO].shape, self.decoder_dim)
        return {
            AUDIO: make_audio_decoder(
                audio,
                self.grids[AUDIO],
                self.embed_dim,
                widths[AUDIO],
                kind=self.audio_decoder,
                shift=self.decoder_shift,
                layout=self.pos_layout,
                recompute=self.recompute,
            ),
            VIDEO: GlobalDecoder(
                self.embed_dim, self, video_positions, widths[VIDEO], recompute=self.recompute
            ),
        }


class MAViL(nn.Module):
    """MAViL in pretraining: reconstruction of masked patches from the visible patches of both modalities.

    Args:
        settings: of the network.
    """

    inputs = (AUDIO, VIDEO)
    masked_inputs = (AUDIO, VIDEO, "audio_noise", "video_noise", "audio_noise2", "video_noise2")

    def __init__(self, settings: MAViLPretrainSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = settings.make_encoder(self.inputs, final_norm=True)
        self.decoder = nn.ModuleDict(settings.make_decoders())
        self.grids = settings.grids
        ratios = {AUDIO: settings.audio_mask_ratio, VIDEO: settings.video_mask_ratio}
        self.maskings = {name: Masking(grid.shape, ratio=ratios[name]) for name, grid in self.grids.items()}

    def forward(
        self,
        audio: Tensor,
        video: Tensor,
        audio_noise: Tensor,
        video_noise: Tensor,
        audio_noise2: Tensor | None = None,
        video_noise2: Tensor | None = None,
    ) -> MaskedPair:
        """Predicts masked patches, and pools the encoders' tokens.

        Args:
            audio: (B, T, F) normalised log-mel spectrograms.
            video: (B, 3, frames, H, W).
            audio_noise: (B, audio tokens), uniform in [0, 1), for the mask.
            video_noise: (B, video tokens), likewise.
            audio_noise2: for a second mask, under which patches are encoded and never decoded.
            video_noise2: likewise.
        """
        given = {AUDIO: (audio, audio_noise, audio_noise2), VIDEO: (video, video_noise, video_noise2)}
        found = {name: self._encode_masked(name, *values) for name, values in given.items()}
        fused = self.encoder.fuse({name: one.tokens for name, one in found.items()})
        predictions = {
            name: self._decode(name, fused[name], one.split, one.patches) for name, one in found.items()
        }
        return MaskedPair(predictions, *_by_view(found))

    def pool_masked(self, **inputs: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """`pooled` and `pooled2` (B, D) by modality, as of `forward`, without fusion and decoders."""
        found = {
            name: self._encode_masked(
                name, inputs[name], inputs[f"{name}_noise"], inputs.get(f"{name}_noise2")
            )
            for name in (AUDIO, VIDEO)
        }
        return _by_view(found)

    def _encode_masked(self, name: str, clip: Tensor, noise: Tensor, noise2: Tensor | None) -> "_Encoded":
        encoder = self.encoder.of(name)
        patches, split = encoder.grid.cut(clip), self.maskings[name].split(noise)
        views = self._encode_views(name, patches, split, noise2)
        return _Encoded(patches, split, views[0], [encoder.pool(encoder.norm(view)) for view in views])

    def _encode_views(
        self, name: str, patches: Tensor, split: TokenSplit, noise2: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The visible tokens under each mask; both run through the blocks as one batch."""
        encoder = self.encoder.of(name)
        views = [encoder.make_tokens(patches, split.visible)]
        if noise2 is not None:
            views.append(encoder.make_tokens(patches, self.maskings[name].split(noise2).visible))
        return encoder.run_blocks(torch.cat(views)).chunk(len(views))

    def _decode(self, name: str, fused: Tensor, split: TokenSplit, patches: Tensor) -> MaskedPrediction:
        decoder = self.decoder[name]
        fewer = self.training and not isinstance(decoder, WindowDecoder)
        wanted = sample_masked(split, self.settings.decode_fraction if fewer else 1.0)
        prediction = decoder(self.encoder.norm(fused), wanted)
        return MaskedPrediction(prediction, take(patches, wanted.masked), wanted.masked)

    def contextualise(self, audio: Tensor, video: Tensor) -> dict[str, Tensor]:
        """The targets of a student: the fused tokens of all patches, (B, L, D) by modality.

        Each token has mean 0 and variance 1, whatever the last norm has learned; class tokens are dropped.
        """
        fused = self.encoder.fuse(self.encoder.encode({AUDIO: audio, VIDEO: video}))
        return {name: unit_variance(tokens[:, 1:]) for name, tokens in fused.items()}

    def embed(self, **inputs: Tensor) -> dict[str, Tensor]:
        """(B, D) of each modality before fusion, and with both the fused (B, 2 D)."""
        tokens = self.encoder.encode(inputs)
        features = {}
        for name, value in tokens.items():
            encoder = self.encoder.of(name)
            features[name] = encoder.pool(encoder.norm(value))
        if len(tokens) == 2:
            features[FUSED] = pool_fused(self.encoder, tokens)
        return features


class _Encoded(NamedTuple):
    """A masked clip of one modality: patches, mask, visible tokens, and the means of each view."""

    patches: Tensor
    split: TokenSplit
    tokens: Tensor
    means: list[Tensor]


def _by_view(found: dict[str, _Encoded]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The means under the first mask, and under the second where there is one."""
    first, second = (
        {name: one.means[view] for name, one in found.items() if len(one.means) > view} for view in (0, 1)
    )
    return first, second


class MAViLClassifier(nn.Module):
    """Scores clips by the means of the fused tokens of audio and video, or of one of them alone.

    Args:
        settings: of the network.
    """

    def __init__(self, settings: MAViLClassifierSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = settings.make_encoder(settings.modalities, final_norm=False)
        self.inputs = self.encoder.modalities
        dim = settings.embed_dim * len(self.inputs)
        self.fc_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.head = nn.Linear(dim, settings.num_classes)
        nearly_zero_head(self.head)

    def modality_parts(self, name: str) -> list[nn.Module]:
        """The modules of one modality alone: its encoder, for a learning rate of its own."""
        return [self.encoder.of(name)]

    def forward(self, **inputs: Tensor) -> ClassifierOutput:
        """Logits (B, classes) of clips, by modality as `PatchGrid.cut` takes them.

        Raises:
            BadInputError: a modality that the model was built for is absent.
        """
        missing = [name for name in self.inputs if name not in inputs]
        require(
            not missing,
            f"the model scores {' and '.join(self.inputs)}, and got no {' and no '.join(missing)}",
            'build it for the inputs at hand: modalities = ["audio"] or ["video"]',
        )
        features = self.embed(**inputs)
        return ClassifierOutput(self.head(features[FUSED if len(self.inputs) == 2 else self.inputs[0]]), {})

    def embed(self, **inputs: Tensor) -> dict[str, Tensor]:
        """The last layer's input: (B, D), or (B, 2 D) of two modalities with the mean (B, D) of each."""
        tokens = self.encoder.encode(inputs)
        features = {name: self.encoder.of(name).pool(value) for name, value in tokens.items()}
        if len(self.inputs) == 1:
            (name,) = self.inputs
            return {name: self.fc_norm(features[name])}
        if len(tokens) == 2:
            features[FUSED] = self.fc_norm(pool_fused(self.encoder, tokens))
        return features


def pool_fused(encoder: AudioVideoEncoder, tokens: dict[str, Tensor]) -> Tensor:
    """The means of the patches of audio and video after fusion, side by side: (B, 2 D)."""
    fused = encoder.fuse(tokens)
    return torch.cat([encoder.of(name).pool(encoder.norm(fused[name])) for name in (AUDIO, VIDEO)], dim=1)
