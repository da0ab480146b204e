"""MBT, the Multimodal Bottleneck Transformer (Nagrani et al., NeurIPS 2021).

Each modality has a ViT of its own. From the fusion layer on they exchange information through a few
bottleneck tokens that all of them read and write, or, in the paper's baselines, by full attention.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from avtool.models.layers.block import Gelu, TransformerBlock, run_block
from avtool.models.layers.initialize import xavier_transformer
from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.patch_embed import PatchEmbed, TubeletEmbed
from avtool.models.layers.position import Grid
from avtool.models.layers.presence import Presence, average_present, keep_present, key_mask, zero_absent
from avtool.models.layers.settings import require
from avtool.models.layers.stochastic_depth import linear_schedule

Streams = dict[str, Tensor]
"""The tokens (B, N, D) of each modality, in the order of `MBTSettings.modalities`."""


@dataclass(frozen=True)
class MBTSettings:
    """The settings of an MBT.

    Attributes:
        num_classes: width of the output.
        modalities: "video", "audio" or both, in the order of a sequential update.
        audio_frames: frames T of the spectrogram, 100 a second.
        num_mel_bins: mel bins F.
        video_frames: frames of the video.
        image_size: height and width of the video.
        patch_size: side of the patches of both modalities.
        tubelet_frames: frames in a patch of video.
        embed_dim: width D.
        depth: number of layers L.
        num_heads: attention heads.
        mlp_dim: hidden width of the MLP.
        fusion_layer: first layer that fuses: 0 is early fusion, L late fusion, between is mid fusion.
        fusion: "bottleneck"; "shared": one set of blocks over all tokens together; "cross": each modality's
            own blocks attend to the tokens of all.
        num_bottlenecks: bottleneck tokens.
        bottleneck_extra: one token more, as the published code has.
        bottleneck_update: "parallel": all modalities read the same tokens and what they write is averaged;
            "sequential": each modality reads what the one before it wrote.
        bottlenecks_at_test: False lets the modalities run alone in evaluation.
        share_encoder: one set of blocks for all modalities.
        cross_queries: "own", or "all" to compute and throw away the others' as the published code does.
        pooling: "cls", or "gap" for the mean of a modality's tokens (there is no class token then).
        norm_eps: epsilon of the layer norms.
        gelu: "tanh" as in JAX, or "none" for the exact one.
        dropout: probability.
        drop_path: stochastic depth of the last layer, growing linearly from 0.
        rescale_drop_path: False as in the published code; see `StochasticDepth`.
        recompute: trade time for memory in the backward pass.
    """

    num_classes: int = 527
    modalities: tuple[str, ...] = ("video", "audio")
    audio_frames: int = 800
    num_mel_bins: int = 128
    video_frames: int = 32
    image_size: int = 224
    patch_size: int = 16
    tubelet_frames: int = 2
    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    mlp_dim: int = 3072
    fusion_layer: int = 8
    fusion: Literal["bottleneck", "shared", "cross"] = "bottleneck"
    num_bottlenecks: int = 4
    bottleneck_extra: bool = False
    bottleneck_update: Literal["parallel", "sequential"] = "parallel"
    bottlenecks_at_test: bool = True
    share_encoder: bool = False
    cross_queries: Literal["own", "all"] = "own"
    pooling: Literal["cls", "gap"] = "cls"
    norm_eps: float = 1e-6
    gelu: Gelu = "tanh"
    dropout: float = 0.0
    drop_path: float = 0.0
    rescale_drop_path: bool = True
    recompute: bool = False

    def __post_init__(self) -> None:
        require(
            0 <= self.fusion_layer <= self.depth,
            f"the fusion layer {self.fusion_layer} is not between 0 and {self.depth}, the number of layers",
        )
        require(
            self.fusion != "bottleneck" or self.num_bottlenecks >= 1,
            f"fusion by bottleneck needs at least one bottleneck token, not {self.num_bottlenecks}",
        )
        known = {"audio", "video"}
        require(
            bool(self.modalities) and set(self.modalities) <= known,
            f"the modalities are audio and video, not {', '.join(self.modalities) or 'none'}",
        )
        require(
            min(self.audio_frames, self.num_mel_bins, self.image_size) >= self.patch_size
            and self.video_frames >= self.tubelet_frames,
            f"the inputs hold no patch of side {self.patch_size} and {self.tubelet_frames} frames",
        )

    @property
    def audio_grid(self) -> Grid:
        """Patches along (time, frequency)."""
        return self.audio_frames // self.patch_size, self.num_mel_bins // self.patch_size

    @property
    def video_grid(self) -> tuple[int, int, int]:
        """Patches along (time, height, width)."""
        side = self.image_size // self.patch_size
        return self.video_frames // self.tubelet_frames, side, side

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of one sample of each modality."""
        shapes = {
            "audio": (self.audio_frames, self.num_mel_bins),
            "video": (3, self.video_frames, self.image_size, self.image_size),
        }
        return {modality: shapes[modality] for modality in self.modalities}


class Stem(nn.Module):
    """Turns one modality into tokens: patches, a class token, learned positions of both.

    Args:
        modality: "audio" (B, T, F) or "video" (B, 3, T, H, W).
        settings: of the model.
    """

    def __init__(self, modality: str, settings: MBTSettings) -> None:
        super().__init__()
        dim, patch = settings.embed_dim, settings.patch_size
        self.modality = modality
        self.patch_embed: nn.Module
        if modality == "audio":
            # One channel: three equal ones, as published, are the same map with the kernels summed.
            self.patch_embed = PatchEmbed(1, dim, patch, (patch, patch))
            grid: tuple[int, ...] = settings.audio_grid
        else:
            self.patch_embed = TubeletEmbed(3, dim, settings.tubelet_frames, patch)
            grid = settings.video_grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if settings.pooling == "cls" else None
        num_tokens = math.prod(grid) + (self.cls_token is not None)
        self.pos_embed = nn.Parameter(torch.empty(1, num_tokens, dim).normal_(std=0.02))

    def forward(self, value: Tensor) -> Tensor:
        """→ (B, N, D)."""
        tokens = self.patch_embed(value[:, None] if self.modality == "audio" else value)
        if self.cls_token is not None:
            tokens = torch.cat([self.cls_token.expand(value.shape[0], -1, -1), tokens], dim=1)
        embedded: Tensor = tokens + self.pos_embed
        return embedded


class MBT(nn.Module):
    """The Multimodal Bottleneck Transformer and its baselines.

    Shapes: B batch, N tokens of a modality, S bottleneck tokens, D width, C classes.

    Args:
        settings: of the network.
    """

    def __init__(self, settings: MBTSettings) -> None:
        super().__init__()
        self.settings = settings
        self.modalities = tuple(settings.modalities)
        self.inputs = (*self.modalities, *(f"{name}_present" for name in self.modalities))
        self.stems = nn.ModuleDict({name: Stem(name, settings) for name in self.modalities})
        schedule = linear_schedule(settings.drop_path, settings.depth)
        own, common = schedule, schedule[:0]
        if settings.fusion == "shared":
            own, common = schedule[: settings.fusion_layer], schedule[settings.fusion_layer :]
        owners = self.modalities[:1] if settings.share_encoder else self.modalities
        self.blocks = nn.ModuleDict({name: self._make_blocks(own) for name in owners})
        self.common_blocks = self._make_blocks(common)
        if settings.fusion == "bottleneck" and settings.fusion_layer < settings.depth:
            size = settings.num_bottlenecks + settings.bottleneck_extra
            self.bottleneck = nn.Parameter(torch.empty(1, size, settings.embed_dim).normal_(std=0.02))
        self.norm = nn.LayerNorm(settings.embed_dim, eps=settings.norm_eps)
        self.head = nn.Linear(settings.embed_dim, settings.num_classes)
        self.apply(xavier_transformer)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def _make_blocks(self, drop_paths: list[float]) -> nn.ModuleList:
        settings = self.settings
        return nn.ModuleList(
            TransformerBlock(
                settings.embed_dim,
                settings.num_heads,
                settings.mlp_dim,
                norm_eps=settings.norm_eps,
                gelu=settings.gelu,
                dropout=settings.dropout,
                drop_path=drop_path,
                rescale_drop_path=settings.rescale_drop_path,
            )
            for drop_path in drop_paths
        )

    def modality_parts(self, name: str) -> list[nn.Module]:
        """The modules of one modality alone, without shared blocks: for a learning rate of its own."""
        owned = [] if self.settings.share_encoder else [self.blocks[name]]
        return [self.stems[name], *owned]

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output; the bottleneck belongs to the layer in which fusion begins."""
        stacks = [[*own.children(), *self.common_blocks] for own in self.blocks.values()]
        layers: list[list[nn.Module | nn.Parameter]] = [[self.stems], *map(list, zip(*stacks, strict=True))]
        if hasattr(self, "bottleneck"):
            layers[1 + self.settings.fusion_layer].append(self.bottleneck)
        return layers

    def forward(
        self,
        audio: Tensor | None = None,
        video: Tensor | None = None,
        audio_present: Tensor | None = None,
        video_present: Tensor | None = None,
    ) -> ClassifierOutput:
        """Scores clips by the modalities they have.

        A modality that is None is missing from the whole batch. Where a mask marks samples without a
        modality, its tokens are ignored for them: bottleneck and logits are averaged over the others.

        Args:
            audio: (B, T, F) normalised log-mel spectrograms.
            video: (B, 3, T, H, W) frames in [-1, 1].
            audio_present: (B,), True where the sample has audio; None means all have.
            video_present: (B,), True where the sample has video. Each sample needs one modality.
        """
        streams, present = self._streams(audio, video, audio_present, video_present)
        return self._classify(self.encode(streams, present), present)

    def embed(self, audio: Tensor | None = None, video: Tensor | None = None) -> dict[str, Tensor]:
        """The feature (B, D) of each modality given that the head reads; with two, their mean as `both`.

        With two modalities each one's feature has read the other's through the layers that fuse.
        """
        streams, present = self._streams(audio, video, None, None)
        features = {name: self._pool(tokens) for name, tokens in self.encode(streams, present).items()}
        if len(features) > 1:
            features["both"] = torch.stack(list(features.values())).mean(dim=0)
        return features

    def _streams(
        self,
        audio: Tensor | None,
        video: Tensor | None,
        audio_present: Tensor | None,
        video_present: Tensor | None,
    ) -> tuple[Streams, Presence]:
        """The tokens of what is given, and which samples have it."""
        given = {"audio": (audio, audio_present), "video": (video, video_present)}
        present: Presence = {}
        streams: Streams = {}
        for name, shape in self.settings.input_shapes.items():
            value, mask = given.pop(name)
            if value is not None:
                self._check_shape(name, value, shape)
                present[name] = mask
                streams[name] = self.stems[name](zero_absent(value, mask))
        require(bool(streams), f"the model takes {' and '.join(self.modalities)}, and got none of it")
        stray = [name for name, (value, _) in given.items() if value is not None]
        require(not stray, f"the model was built without {' and '.join(stray)}")
        return streams, present

    def _check_shape(self, name: str, value: Tensor, shape: tuple[int, ...]) -> None:
        axes = "frames x mel bins" if name == "audio" else "channels x frames x height x width"
        require(
            value.shape[1:] == shape,
            f"the model takes {name} of {'x'.join(map(str, shape))} ({axes}) a sample, "
            f"not {'x'.join(map(str, value.shape[1:]))}",
        )

    def encode(self, streams: Streams, present: Presence) -> Streams:
        """Runs all layers.

        Args:
            streams: tokens of each modality, embedded.
            present: which samples have the modality.
        """
        settings = self.settings
        with_bottlenecks = self.training or settings.bottlenecks_at_test
        alone = len(self.modalities) == 1 or (settings.fusion == "bottleneck" and not with_bottlenecks)
        num_alone = settings.depth if alone else settings.fusion_layer
        for layer in range(num_alone):
            streams = {name: self._run(name, layer, tokens) for name, tokens in streams.items()}
        if num_alone == settings.depth:
            return streams
        fuse = {"bottleneck": self._fuse_bottleneck, "shared": self._fuse_shared, "cross": self._fuse_cross}
        return fuse[settings.fusion](streams, present)

    def _fuse_bottleneck(self, streams: Streams, present: Presence) -> Streams:
        """Layers in which every modality reads the bottleneck tokens and rewrites them."""
        batch_size = next(iter(streams.values())).shape[0]
        bottleneck = self.bottleneck.expand(batch_size, -1, -1)
        split = bottleneck.shape[1]
        streams = dict(streams)
        for layer in range(self.settings.fusion_layer, self.settings.depth):
            written: Streams = {}
            for name, tokens in streams.items():
                joined = self._run(name, layer, torch.cat([tokens, bottleneck], dim=1))
                streams[name], written[name] = joined[:, :-split], joined[:, -split:]
                if self.settings.bottleneck_update == "sequential":
                    bottleneck = keep_present(written[name], bottleneck, present[name])
            if self.settings.bottleneck_update == "parallel":
                bottleneck = average_present(written, present)
        return streams

    def _fuse_shared(self, streams: Streams, present: Presence) -> Streams:
        """Layers of one set of blocks over the tokens of all modalities together."""
        names, lengths = list(streams), [tokens.shape[1] for tokens in streams.values()]
        mask = key_mask(streams, present, names)
        joined = torch.cat(list(streams.values()), dim=1)
        for layer in range(self.settings.fusion_layer, self.settings.depth):
            joined = self._run(names[0], layer, joined, mask=mask)
        return dict(zip(names, torch.split(joined, lengths, dim=1), strict=True))

    def _fuse_cross(self, streams: Streams, present: Presence) -> Streams:
        """Layers in which each modality's own blocks attend to the tokens of all."""
        for layer in range(self.settings.fusion_layer, self.settings.depth):
            streams = {name: self._see_others(name, layer, streams, present) for name in streams}
        return streams

    def _see_others(self, name: str, layer: int, streams: Streams, present: Presence) -> Tensor:
        others = [other for other in streams if other != name]
        if not others:
            return self._run(name, layer, streams[name])
        mask = key_mask(streams, present, [*others, name])
        context, own = torch.cat([streams[other] for other in others], dim=1), streams[name]
        if self.settings.cross_queries == "own":
            return self._run(name, layer, own, context, mask)
        return self._run(name, layer, torch.cat([context, own], dim=1), mask=mask)[:, -own.shape[1] :]

    def _run(
        self,
        name: str,
        layer: int,
        tokens: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Applies the block that a modality has in a layer."""
        settings = self.settings
        own = self.blocks[self.modalities[0] if settings.share_encoder else name]
        assert isinstance(own, nn.ModuleList)
        block = own[layer] if layer < len(own) else self.common_blocks[layer - len(own)]
        return run_block(block, tokens, context, mask, recompute=settings.recompute)

    def _classify(self, streams: Streams, present: Presence) -> ClassifierOutput:
        logits = {name: self.head(self._pool(tokens)) for name, tokens in streams.items()}
        return ClassifierOutput(average_present(logits, present), logits)

    def _pool(self, tokens: Tensor) -> Tensor:
        """(B, N, D) → (B, D): the head's input of a modality."""
        pooled: Tensor = self.norm(tokens[:, 0] if self.settings.pooling == "cls" else tokens)
        return pooled if self.settings.pooling == "cls" else pooled.mean(dim=1)
