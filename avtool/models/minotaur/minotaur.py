"""MINOTAUR over features: encoder of frames with a query, space-time decoder, heads.

Shapes: B windows, T frames, k temporal stride, M = ⌈T / k⌉ encoded frames, V visual tokens and A audio
tokens of a frame, L tokens of the query, S = V + A + L, and one more with `match`, D width, N layers of the
decoder.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from avtool.core.errors import BadInputError
from avtool.models.layers.position import Grid, sinusoids
from avtool.models.minotaur.attention import grid_sinusoids
from avtool.models.minotaur.layers import DecoderLayer, EncoderLayer, FeatureResizer, Head
from avtool.models.minotaur.match import FrameMatch, MatchStates
from avtool.models.minotaur.settings import LocalisationOutput, MinotaurSettings

IMAGE = "image"
"""The kind of query whose features are those of a crop: projected once more, as published."""
Kind = str | Tensor
"""One kind of query for all windows, or (B,) places in `Minotaur.kinds`."""


class Minotaur(nn.Module):
    """Multi-task video grounding from multimodal queries (Goyal et al., 2023), over features of encoders.

    `encode` works on each frame with the query alone, so that its output does not depend on the window;
    `decode` relates the frames of a window. `forward` does both.
    """

    inputs = ("visual", "visual_present", "audio", "audio_present", "query", "query_mask")

    def __init__(self, settings: MinotaurSettings) -> None:
        super().__init__()
        self.settings = settings
        self.kinds = tuple(settings.query_dims)
        dim, dropout = settings.dim, settings.dropout
        block = (dim, settings.heads, settings.mlp_dim, dropout)
        if settings.visual_dim:
            self.visual_projection = nn.Linear(settings.visual_dim, dim)
        if settings.audio_dim:
            self.audio_resizer = FeatureResizer(settings.audio_dim, dim, dropout)
            self.audio_embedding = nn.Parameter(torch.randn(dim))
        self.query_resizers = nn.ModuleDict(
            {
                kind: nn.Sequential(nn.Linear(width, dim), FeatureResizer(dim, dim, dropout))
                if kind == IMAGE
                else FeatureResizer(width, dim, dropout)
                for kind, width in settings.query_dims.items()
            }
        )
        self.encoder = nn.ModuleList(EncoderLayer(*block) for _ in range(settings.encoder_depth))
        self.time_queries = nn.Embedding(len(self.kinds), dim)
        self.decoder = nn.ModuleList(DecoderLayer(*block) for _ in range(settings.decoder_depth))
        self.decoder_norm = nn.LayerNorm(dim)
        self.box_head = Head(dim, dim, dim, 4)
        self.start_end_head = Head(dim, dim, 2, dropout=settings.head_dropout)
        self.foreground_head = Head(dim, dim, 1, dropout=settings.head_dropout)
        if settings.match:
            self.match, self.match_states = FrameMatch(dim), MatchStates(dim)
        for stack in (self.encoder, self.decoder):
            for parameter in stack.parameters():
                if parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter)

    def forward(
        self,
        visual: Tensor | None,
        audio: Tensor | None,
        query: Tensor,
        query_mask: Tensor,
        kind: Kind,
        valid: Tensor | None = None,
        *,
        visual_present: Tensor | None = None,
        audio_present: Tensor | None = None,
        stride: int = 1,
        grid: Grid | None = None,
        attention: bool = False,
        pairs: bool = False,
    ) -> LocalisationOutput:
        """Boxes, start-end logits and foreground logits of the frames of windows.

        Args:
            visual: (B, T, V, visual_dim), or None without video.
            audio: (B, T, A, audio_dim), or None without audio.
            query: (B, L, width of its kind).
            query_mask: (B, L), True where there is a token.
            kind: of the query, or (B,) places in `kinds`.
            valid: (B, T), True for frames, False for padding at a window's end; None for all.
            visual_present: (B,) which windows have video; None for all.
            audio_present: (B,) which windows have audio; None for all.
            stride: k, frames from one encoded frame to the next.
            grid: rows and columns of the visual tokens, by default those of the settings.
            attention: whether to return the temporal attention.
            pairs: whether to return the match of each query with the frames of each window.

        Raises:
            BadInputError: the features do not fit the network, or pairs are wanted and it has no match.
        """
        if valid is None:
            batch, length = self._frames(visual, audio).shape[:2]
            valid = torch.ones(batch, length, dtype=torch.bool, device=query.device)
        request = self._query_tokens(query, kind)
        shown = self._evidence(
            visual, audio, request, visual_present=visual_present, audio_present=audio_present, stride=stride,
            grid=grid,
        )  # fmt: skip
        memory, memory_mask = self._encode(*shown, request, query_mask, grid)
        output = self.decode(memory, memory_mask, valid, kind, stride=stride, grid=grid, attention=attention)
        if not pairs:
            return output
        match = self._matching().pairs(*shown, request, query_mask)
        return output._replace(pairs=match.repeat_interleave(stride, dim=2)[:, :, : valid.shape[1]])

    def encode(
        self,
        visual: Tensor | None,
        audio: Tensor | None,
        query: Tensor,
        query_mask: Tensor,
        kind: Kind,
        *,
        visual_present: Tensor | None = None,
        audio_present: Tensor | None = None,
        stride: int = 1,
        grid: Grid | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The tokens of each k-th frame together with those of the query: a function of frame and query.

        Args:
            visual: (B, T, V, visual_dim), or None without video.
            audio: (B, T, A, audio_dim), or None without audio.
            query: (B, L, width of its kind); wider ones are cut, as a batch of several kinds pads them.
            query_mask: (B, L), True where there is a token; each row needs one.
            kind: of the query, or (B,) places in `kinds`.
            visual_present: (B,) which windows have video; None for all.
            audio_present: (B,) which windows have audio; None for all.
            stride: k, frames from one encoded frame to the next.
            grid: rows and columns of the visual tokens, by default those of the settings.

        Returns:
            The memory (B, M, S, D), and its mask (B, M, S), True where there is a token. With `match` the
            last token has the frame's match in all channels, and nothing attends to it.

        Raises:
            BadInputError: the features do not fit the network.
        """
        request = self._query_tokens(query, kind)
        shown = self._evidence(
            visual, audio, request, visual_present=visual_present, audio_present=audio_present, stride=stride,
            grid=grid,
        )  # fmt: skip
        return self._encode(*shown, request, query_mask, grid)

    def _encode(
        self, shown: Tensor, shown_mask: Tensor, request: Tensor, query_mask: Tensor, grid: Grid | None
    ) -> tuple[Tensor, Tensor]:
        """`encode` of the tokens of frames (B, M, V + A, D), of which some are there, and of a query."""
        batch, length = shown.shape[:2]
        tokens = torch.cat([shown, request[:, None].expand(-1, length, -1, -1)], dim=2)
        mask = torch.cat([shown_mask, query_mask], dim=1)[:, None].expand(-1, length, -1)
        positions = self._positions(tokens.shape[2], grid, tokens)
        flat, flat_mask = tokens.flatten(0, 1), mask.flatten(0, 1)
        for layer in self.encoder:
            if self.settings.recompute and self.training:
                flat = checkpoint(layer, flat, positions, flat_mask, use_reentrant=False)
            else:
                flat = layer(flat, positions, flat_mask)
        memory = flat.reshape(batch, length, *flat.shape[1:])
        if not self.settings.match:
            return memory, mask
        match = self.match(shown, shown_mask, request, query_mask)
        carrier = match[..., None, None].expand(-1, -1, 1, self.settings.dim).to(memory.dtype)
        return torch.cat([memory, carrier], dim=2), F.pad(mask, (0, 1))

    def match_frames(
        self,
        visual: Tensor | None,
        audio: Tensor | None,
        query: Tensor,
        query_mask: Tensor,
        kind: Kind,
        *,
        grid: Grid | None = None,
    ) -> Tensor:
        """The match (B, T) of each frame with the query, without encoder and decoder; arguments of `encode`.

        Raises:
            BadInputError: the features do not fit the network, or it has no match.
        """
        request = self._query_tokens(query, kind)
        shown = self._evidence(visual, audio, request, grid=grid)
        match: Tensor = self._matching()(*shown, request, query_mask)
        return match

    def _matching(self) -> FrameMatch:
        if not self.settings.match:
            raise BadInputError("the network has no match", "train it with model.arguments.match=true")
        return self.match

    def _evidence(
        self,
        visual: Tensor | None,
        audio: Tensor | None,
        request: Tensor,
        *,
        visual_present: Tensor | None = None,
        audio_present: Tensor | None = None,
        stride: int = 1,
        grid: Grid | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The visual and audio tokens of each k-th frame, (B, M, V + A, D), and their mask (B, V + A)."""
        frames = self._frames(visual, audio)
        empty = request.new_zeros(len(frames), -(-frames.shape[1] // stride), 1, self.settings.dim)
        rows, columns = grid or self.settings.grid
        parts = []
        if self.settings.visual_dim:
            seen = None if visual is None else self.visual_projection(self._cast(visual[:, ::stride]))
            parts.append(_masked(seen, visual_present, rows * columns, empty, "visual"))
        if self.settings.audio_dim:
            heard = None if audio is None else self._project_audio(audio[:, ::stride])
            parts.append(_masked(heard, audio_present, self.settings.audio_tokens, empty, "audio"))
        return torch.cat([part for part, _ in parts], dim=2), torch.cat([mask for _, mask in parts], dim=1)

    def decode(
        self,
        memory: Tensor,
        memory_mask: Tensor,
        valid: Tensor,
        kind: Kind,
        *,
        stride: int = 1,
        grid: Grid | None = None,
        attention: bool = False,
    ) -> LocalisationOutput:
        """Predictions for windows whose frames are encoded.

        Args:
            memory: (B, M, S, D) of `encode`.
            memory_mask: (B, M, S) of `encode`.
            valid: (B, T), True for frames, False for padding; each row needs one.
            kind: as in `encode`.
            stride: as in `encode`.
            grid: as in `encode`.
            attention: whether to return the temporal attention.
        """
        batch, length = valid.shape
        start = self.time_queries(self._places(kind, batch, valid.device))
        queries = start[:, None] + sinusoids(length, self.settings.dim).to(start)
        positions = self._positions(memory.shape[2], grid, memory)
        tokens, token_mask = memory.flatten(0, 1), memory_mask.flatten(0, 1)
        match = self._match_of(memory, length, stride)
        states = torch.zeros_like(queries) if match is None else self.match_states(match, valid)
        outputs, weights = [], []
        for layer in self.decoder:
            states, weight = layer(
                states, queries, valid, tokens, positions, token_mask, stride=stride, attention=attention
            )
            outputs.append(self.decoder_norm(states))
            weights.append(weight)
        stacked = torch.stack(outputs)
        boxes, start_end = self.box_head(stacked).sigmoid(), self.start_end_head(stacked)
        foreground = self.foreground_head(stacked)[..., 0]
        return LocalisationOutput(
            boxes,
            start_end,
            foreground if match is None else foreground + match,
            torch.stack(weights) if attention else None,
            match,
        )

    def _match_of(self, memory: Tensor, length: int, stride: int) -> Tensor | None:
        """(B, T) of the frames, as the memory carries it; None without `match`."""
        if not self.settings.match:
            return None
        return memory[:, :, -1, 0].repeat_interleave(stride, dim=1)[:, :length]

    @staticmethod
    def _frames(visual: Tensor | None, audio: Tensor | None) -> Tensor:
        frames = audio if visual is None else visual
        if frames is None:
            raise BadInputError("the windows have neither visual nor audio features")
        return frames

    def _places(self, kind: Kind, batch: int, device: torch.device) -> Tensor:
        """(B,) places in `kinds`."""
        if isinstance(kind, Tensor):
            return kind
        if kind not in self.kinds:
            message = f"the model takes no {kind} query"
            raise BadInputError(message, f"it takes {', '.join(self.kinds)}")
        return torch.full((batch,), self.kinds.index(kind), device=device)

    def _query_tokens(self, query: Tensor, kind: Kind) -> Tensor:
        """(B, L, D): each row through the resizer of its kind."""
        widths = self.settings.query_dims
        if isinstance(kind, str):
            self._places(kind, 1, query.device)
        chosen = [kind] if isinstance(kind, str) else list(self.kinds)
        narrow = max(widths[name] for name in chosen) - query.shape[-1]
        if narrow > 0 and isinstance(kind, str):
            message = f"{kind} queries are {query.shape[-1]} wide, and the model takes {widths[kind]}"
            raise BadInputError(message, "encode queries by the encoders that the model was trained on")
        if narrow > 0:  # no query of the batch is of the widest kind
            query = F.pad(query, (0, narrow))
        resized: list[Tensor] = [
            self.query_resizers[name](self._cast(query[..., : widths[name]])) for name in chosen
        ]
        tokens = resized[0]
        if isinstance(kind, Tensor):
            for place, other in enumerate(resized):
                tokens = torch.where((kind == place)[:, None, None], other, tokens)
        return tokens

    def _project_audio(self, audio: Tensor) -> Tensor:
        """(B, M, A, audio_dim) → (B, M, A, D), marked as audio."""
        return self.audio_resizer(self._cast(audio)) + self.audio_embedding  # type: ignore[no-any-return]

    def _cast(self, features: Tensor) -> Tensor:
        """Features in the network's precision: an index holds half of it."""
        return features.to(self.time_queries.weight.dtype)

    def _positions(self, tokens: int, grid: Grid | None, like: Tensor) -> Tensor:
        """(S, D): positions of the visual tokens, zeros for all others."""
        positions = torch.zeros(tokens, self.settings.dim, device=like.device)
        if self.settings.visual_dim:
            rows, columns = grid or self.settings.grid
            positions[: rows * columns] = grid_sinusoids(rows, columns, self.settings.dim, like.device)
        return positions.to(like.dtype)


def _masked(
    tokens: Tensor | None, present: Tensor | None, count: int, empty: Tensor, modality: str
) -> tuple[Tensor, Tensor]:
    """Tokens with zeros where the modality is absent, and their mask."""
    batch = len(empty)
    if tokens is None:
        return empty.expand(-1, -1, count, -1), empty.new_zeros((batch, count), dtype=torch.bool)
    if tokens.shape[2] != count:
        message = f"a frame has {tokens.shape[2]} {modality} tokens, and the model takes {count}"
        raise BadInputError(message, "index the film by the settings of the model")
    mask = empty.new_ones((batch, count), dtype=torch.bool)
    if present is None:
        return tokens, mask
    return torch.where(present[:, None, None, None], tokens, 0.0), mask & present[:, None]
