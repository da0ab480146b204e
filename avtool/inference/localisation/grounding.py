"""The grounding engine: a trained network finds segments and boxes of queries in indexed films."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.inference.localisation.film_index import check_finite
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.recipes import GroundingRecipe
from avtool.inference.localisation.sliding import FrameOutputs, slide
from avtool.models.bf16_self_test import guard_convolutions, needs_guard
from avtool.models.minotaur.minotaur import Minotaur
from avtool.models.minotaur.settings import LocalisationOutput
from avtool.models.runtime import choose_device, choose_precision, place

if TYPE_CHECKING:
    from avtool.core.arrays import Floats
    from avtool.inference.localisation.grounding_card import GroundingCard


class IndexedFilm(Protocol):
    """What the engine reads of an index: N frames.

    Attributes:
        times: (N,) seconds.
        step: seconds of a frame.
        visual: (N, V, C) tokens; None without video.
        audio: (N, A, C) tokens; None without audio.
        grid: rows and columns of the visual tokens.
    """

    @property
    def times(self) -> "Floats": ...
    @property
    def step(self) -> float: ...
    @property
    def visual(self) -> NDArray[Any] | None: ...
    @property
    def audio(self) -> NDArray[Any] | None: ...
    @property
    def grid(self) -> tuple[int, int]: ...


class Wanted(Protocol):
    """What is looked for: its kind is `image`, `text`, `label` or `audio`; a label is its name."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


class TokenEncoders(Protocol):
    """Encoders of queries."""

    def tokens(self, query: Any) -> NDArray[np.float32]:
        """(L, C) features of a query."""


class GroundingEngine:
    """A network on its device over indexed films.

    Args:
        model: trained.
        encoders: of queries: those that it was trained on.
        recipe: how the decoder passes over a film.
        reporter: gets device and precision.
        card: what the network has learned; queries are checked by it.

    Attributes:
        encoded: frames that the encoder has run on for the last query.
        windows: that the decoder has run on.

    Raises:
        MissingError: the device is not there.
    """

    name = "grounding"

    def __init__(
        self,
        model: Minotaur,
        encoders: TokenEncoders,
        recipe: GroundingRecipe,
        reporter: Reporter,
        card: "GroundingCard | None" = None,
    ) -> None:
        self.model, self.encoders, self.recipe, self.card = model.eval(), encoders, recipe, card
        device = choose_device(recipe.runtime.device)
        precision = choose_precision(recipe.runtime.precision, device.value, model)
        reporter.info(f"device: {device}; precision: {precision}")
        self.device = torch.device(device.value)
        self._half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision.value)
        place(model, recipe.runtime, self.device)
        if needs_guard(device.value, precision.value):
            guard_convolutions(model, reporter.warn)
        self.encoded = self.windows = 0

    def scores(self, index: IndexedFilm, query: Wanted, frames: range | None = None) -> FrameScores:
        """The scores of each frame at the finest of the scales.

        Args:
            index: of the film.
            query: what is looked for.
            frames: the part of the index that is searched; None searches all.

        Raises:
            BadInputError: the network takes no such query, or other features.
            CorruptArtifactError: features are not finite.
        """
        return self.scores_by_scale(index, query, frames)[0]

    def scores_by_scale(
        self, index: IndexedFilm, query: Wanted, frames: range | None = None
    ) -> list[FrameScores]:
        """The scores of each frame, for each of the scales; arguments and errors as of `scores`."""
        part = range(len(index.times)) if frames is None else frames
        self._check(index, query)
        sliding = self.recipe.sliding(index.step)
        found = slide(
            _Encoder(self, index, *self._request(query), query.kind),
            _Decoder(self, index, query.kind, sliding.stride),
            part,
            sliding,
            self.recipe.scales,
        )
        self.encoded, self.windows = found[0].encoded, sum(one.windows for one in found)
        boxes = self.model.settings.visual_dim > 0 and index.visual is not None
        return [
            _frame_scores(one, index, scale, boxes=boxes)
            for scale, one in zip(self.recipe.scales, found, strict=True)
        ]

    @torch.no_grad()
    def coarse(self, index: IndexedFilm, query: Wanted) -> FrameScores:
        """The match of each frame relative to the best one of the film, without encoder and decoder.

        Raises:
            BadInputError: the network takes no such query, or other features, or has no match.
            CorruptArtifactError: features are not finite.
        """
        self._check(index, query)
        request, mask = self._request(query)
        settings, found = self.model.settings, []
        for first in range(0, len(index.times), self.recipe.chunk):
            frames = slice(first, first + self.recipe.chunk)
            visual = self.features(index.visual, settings.visual_dim, frames)
            audio = self.features(index.audio, settings.audio_dim, frames)
            with self.computing():
                match = self.model.match_frames(visual, audio, request, mask, query.kind, grid=_grid(index))
            found.append(match[0].float().cpu().numpy())
        whole = np.concatenate(found) if found else np.zeros(0, np.float32)
        relative = np.exp(whole - whole.max(initial=-np.inf))
        return FrameScores(np.asarray(index.times, np.float64), index.step, relative.astype(np.float32))

    def _request(self, query: Wanted) -> tuple[Tensor, Tensor]:
        """The tokens (1, L, C) of a query, and their mask."""
        tokens = torch.from_numpy(np.asarray(self.encoders.tokens(query), dtype=np.float32))[None]
        tokens = tokens.to(self.device)
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=self.device)

    def _check(self, index: IndexedFilm, query: Wanted) -> None:
        """Refuses a query or a film that the network cannot take."""
        settings = self.model.settings
        if self.card is not None:
            self.card.check_query(query.kind, query.name)
        if query.kind not in self.model.kinds:
            message = f"the model takes no {query.kind} query"
            raise BadInputError(message, f"it takes {', '.join(self.model.kinds)}")
        sides = {"visual": settings.visual_dim, "audio": settings.audio_dim}
        given = {name: values for name in sides if (values := getattr(index, name)) is not None}
        for name, values in given.items():
            if sides[name] and values.shape[-1] != sides[name]:
                message = (
                    f"the index has {name} tokens of width {values.shape[-1]}, the model takes {sides[name]}"
                )
                raise BadInputError(message, "index the film by the encoders that the model was trained on")
        if not any(sides[name] for name in given):
            lacking = " and no ".join(name for name, width in sides.items() if width)
            raise BadInputError(f"the index has no {lacking} features, which the model takes")

    def features(self, values: NDArray[Any] | None, width: int, frames: slice) -> Tensor | None:
        """(1, M, tokens, C) of some frames; None of a modality that the network or the film lacks."""
        if values is None or not width:
            return None
        part = np.array(values[frames])  # an index is read-only
        check_finite(part, "features")
        return torch.from_numpy(part)[None].to(self.device, torch.float32)

    def computing(self) -> Any:
        """The context of its precision."""
        return torch.autocast(self.device.type, self._half, enabled=self._half is not None)


class _Encoder:
    """The network's encoder over frames of an index with one query."""

    def __init__(
        self, engine: GroundingEngine, index: IndexedFilm, query: Tensor, mask: Tensor, kind: str
    ) -> None:
        self.engine, self.index, self.query, self.mask, self.kind = engine, index, query, mask, kind

    def __call__(self, first: int, last: int, pace: int) -> tuple[Tensor, Tensor]:
        engine, index, settings = self.engine, self.index, self.engine.model.settings
        frames = slice(first, last, pace)
        visual = engine.features(index.visual, settings.visual_dim, frames)
        audio = engine.features(index.audio, settings.audio_dim, frames)
        with engine.computing():
            memory, mask = engine.model.encode(
                visual, audio, self.query, self.mask, self.kind, grid=_grid(index)
            )
        return memory, mask


class _Decoder:
    """The network's decoder over windows."""

    def __init__(self, engine: GroundingEngine, index: IndexedFilm, kind: str, stride: int) -> None:
        self.engine, self.index, self.kind, self.stride = engine, index, kind, stride

    def __call__(self, memory: Tensor, mask: Tensor, valid: Tensor) -> LocalisationOutput:
        with self.engine.computing():
            return self.engine.model.decode(
                memory, mask, valid, self.kind, stride=self.stride, grid=_grid(self.index)
            )


def _grid(index: IndexedFilm) -> tuple[int, int] | None:
    return index.grid if index.visual is not None else None


def _frame_scores(one: FrameOutputs, index: IndexedFilm, scale: int, *, boxes: bool) -> FrameScores:
    times = np.asarray(index.times, dtype=np.float64)[np.asarray(one.frames, dtype=np.int64)]
    foreground = 1 / (1 + np.exp(-np.clip(one.foreground, -60, 60)))
    start, end = one.start_end.astype(np.float32).T
    return FrameScores(
        times=times,
        step=index.step * scale,
        foreground=foreground.astype(np.float32),
        start=start,
        end=end,
        boxes=one.boxes.astype(np.float32) if boxes else None,
    )
