"""A masked transformer over films: windows, proposals, suppression, sentences; a kind of captioner."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.captioning.event import SoundEvent
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import Item
from avtool.data.vocabulary import Phrasebook, Vocabulary
from avtool.inference.captioner import CAPTIONERS, CaptionerKind, FilmSounds, ModelOptions
from avtool.inference.dense_captioning.streams import FilmStreams, Stream, asset_name, open_stream
from avtool.inference.sound_tagger.thresholds import ANY, read_thresholds
from avtool.models.masked_transformer.anchors import Floats, suppress

if TYPE_CHECKING:
    from torch import Tensor

    from avtool.models.masked_transformer.masked_transformer import MaskedTransformer
    from avtool.models.model_folder import ModelDescription

TASK = "dense-captioning"
_BEYOND = 2  # steps that a proposal may end after the film, as published
_ROWS = 32  # proposals that are captioned together


class DecodingRecipe(Recipe):
    """How proposals are chosen and captions written."""

    threshold: float = option(0.5, "Minimum score of a proposal.", ge=0, le=1)
    nms: float = option(0.1, "tIoU above which the lower scored of two proposals is dropped.", ge=0, le=1)
    before_nms: int = option(
        200, "Best proposals of a window that suppression sees, whatever their score.", ge=0
    )
    least: int = option(0, "Proposals of a window at least, whatever their score.", ge=0)
    most: int = option(500, "Proposals of a window at most.", ge=1)
    beams: int = option(4, "Beams; 1 decodes greedily.", ge=1, le=64)
    phrasebook: bool = option(True, "Write phrases of the training captions alone, where some are frequent.")
    certainty: float = option(
        0.0,
        "Exponent of the mean probability of a caption's words, as a factor of the score; 0: none.",
        ge=0,
        le=10,
    )


@dataclass(frozen=True)
class Proposals:
    """Proposals of a window, the best scored first.

    Attributes:
        segments: (N, 2) in steps of the window.
        scores: (N,) 0 to 1.
        anchors: (N,) that they come from.
    """

    segments: Floats
    scores: Floats
    anchors: NDArray[np.int64]

    def take(self, places: NDArray[np.int64] | list[int]) -> "Proposals":
        """Some of them."""
        return Proposals(self.segments[places], self.scores[places], self.anchors[places])


class DenseCaptioner:
    """Proposes segments of films and writes a sentence for each.

    Args:
        model: in evaluation mode, on its device.
        streams: of its features.
        step: seconds of a step.
        vocabulary: of its words.
        phrases: that it may write.
        decoding: how proposals are chosen and captions written.
        note: the model in a line.
    """

    def __init__(
        self,
        model: "MaskedTransformer",
        streams: list[Stream],
        step: float,
        vocabulary: Vocabulary,
        phrases: list[str],
        decoding: DecodingRecipe,
        note: str = "",
    ) -> None:
        self.model, self.streams, self.step = model, streams, step
        self.vocabulary, self.decoding, self.note = vocabulary, decoding, note
        constrained = decoding.phrasebook and phrases
        self.phrasebook = Phrasebook(map(vocabulary.numbers, phrases)) if constrained else None

    def at(self, threshold: float) -> "DenseCaptioner":
        """The same with another threshold."""
        other = copy(self)
        other.decoding = self.decoding.model_copy(update={"threshold": threshold})
        return other

    def listen(self, film: Item, reporter: Reporter) -> FilmSounds:
        """The captioned events of a film, or of a clip.

        Windows overlap by half; of each the proposals count whose centre lies in its middle half (at the
        film's ends: up to the end).

        Raises:
            BadInputError: the film cannot be read, or has nothing that the encoders take.
        """
        streams = FilmStreams.of(film, self.streams, self.step, reporter)
        found: list[SoundEvent] = []
        for first, last in self._places(streams.steps):
            found += self._window_events(streams, first, last)
        segments = np.array([(event.start, event.end) for event in found]).reshape(-1, 2)
        kept = suppress(segments, np.array([event.score for event in found]), self.decoding.nms)
        events = sorted((found[place] for place in kept), key=lambda event: (event.start, event.end))
        return FilmSounds(streams.steps * self.step, events)

    def _places(self, steps: int) -> Iterator[tuple[int, bool]]:
        """The first step of each window, and whether it is the last one."""
        size = self.model.settings.window
        places = [*range(0, max(1, steps - size // 2), size // 2)]
        for place in places:
            yield place, place == places[-1]

    def _window_events(self, streams: FilmStreams, first: int, last: bool) -> Iterator[SoundEvent]:
        import torch

        size = self.model.settings.window
        values, there = streams.window(first, size)
        device = self.model.centres.device
        batch = torch.from_numpy(values)[None].to(device), torch.from_numpy(there)[None].to(device)
        with torch.no_grad():
            stem, mask = self.model.stem(batch[0]), self.model.padding(batch[1])
            raw = self.model.propose(stem, mask)[0]
        length = int(there.sum())
        proposals = self.choose(raw.float().cpu().numpy(), length)
        middle = proposals.segments.mean(axis=1)
        own = ((middle >= size / 4) | (first == 0)) & ((middle < 3 * size / 4) | last)
        proposals = proposals.take(np.flatnonzero(own))
        texts, certainties = self.write(stem, mask, raw, proposals, length)
        scores = proposals.scores * certainties**self.decoding.certainty
        end = streams.steps * self.step
        for (start, stop), text, score in zip(proposals.segments, texts, scores, strict=True):
            begin = max(0.0, float(first + start) * self.step)
            threshold = self.decoding.threshold
            if text and (score >= threshold or self.decoding.least):
                stop = min(end, float(first + stop) * self.step)
                yield SoundEvent(begin, max(begin, stop), text, min(1.0, float(score)), None, threshold)

    def choose(self, raw: Floats, length: int) -> Proposals:
        """The proposals of a window: by score, suppressed, inside the film.

        Args:
            raw: (A, 4) values of the anchors.
            length: steps of the film in the window.
        """
        decoding, grid = self.decoding, self.model.grid
        scores = 1 / (1 + np.exp(-raw[:, 0].astype(np.float64)))
        fits = grid.lengths <= length
        count = min(max(int((scores[fits] > decoding.threshold).sum()), decoding.before_nms), int(fits.sum()))
        order = np.flatnonzero(fits)[np.argsort(-scores[fits], kind="stable")[:count]]
        segments = grid.decode(raw[order, 2:].astype(np.float64), order)
        inside = (segments[:, 0] >= 0) & (segments[:, 1] < length + _BEYOND)
        found = Proposals(segments[inside], scores[order][inside], order[inside])
        kept = found.take(suppress(found.segments, found.scores, decoding.nms, decoding.most))
        enough = np.arange(len(kept.scores)) < decoding.least
        # the factor of certainty lowers scores alone: what is below the threshold now stays below it
        return kept.take(np.flatnonzero((kept.scores >= decoding.threshold) | enough))

    def write(
        self, stem: "Tensor", mask: "Tensor | None", raw: "Tensor", proposals: Proposals, length: int
    ) -> tuple[list[str], Floats]:
        """A sentence for each proposal of a window, and the mean probability of its words, (N,)."""
        import torch

        from avtool.inference.dense_captioning.decoding import write_sentences

        texts: list[str] = []
        certainties: list[float] = []
        model, decoding = self.model, self.decoding
        for begin in range(0, len(proposals.scores), _ROWS):
            part = slice(begin, begin + _ROWS)
            anchor = torch.from_numpy(proposals.anchors[part]).to(raw.device)
            rows = len(anchor)
            with torch.no_grad():
                segments = torch.from_numpy(proposals.segments[part]).to(raw)
                lengths = torch.full((rows,), length, device=raw.device)
                _, _, window = model.windows(segments, anchor, raw[anchor, 0], lengths)
                whole = None if mask is None else mask.expand(rows, -1)
                caches = model.decoder_caches(stem.expand(rows, -1, -1), whole, window)
            most = self.vocabulary.max_words - 1
            sentences = write_sentences(
                model.decoder, caches, most, beams=decoding.beams, phrasebook=self.phrasebook
            )
            texts += [self.vocabulary.text(row) for row in sentences.tokens.tolist()]
            certainties += sentences.scores.exp().tolist()
        return texts, np.array(certainties, np.float64)


def open_dense_captioner(path: Path, options: ModelOptions, reporter: Reporter) -> DenseCaptioner:
    """Opens a model that `avtool caption train` wrote.

    Raises:
        BadInputError: a key of `decoding` is unknown.
        CorruptArtifactError: the model is damaged.
        MissingError: the device is not there.
    """
    import torch

    from avtool.core.recipe import validate
    from avtool.models.foreign import locate
    from avtool.models.load import load_model
    from avtool.models.runtime import choose_device, place

    loaded = load_model(path)
    preprocess: Mapping[str, Any] = loaded.preprocess
    device = choose_device(options.runtime.device)
    reporter.info(f"device: {device}")
    place(loaded.model, options.runtime, torch.device(device.value))
    try:
        values = {**preprocess["decoding"], **options.decoding}
        values |= _threshold(options)
        decoding = validate(DecodingRecipe, values, "decoding")
        streams = read_streams(locate(path), preprocess["streams"], options.runtime)
        vocabulary = Vocabulary.from_json(preprocess["vocabulary"])
        step, phrases = float(preprocess["step"]), [str(one) for one in preprocess["phrases"]]
    except (KeyError, TypeError, ValueError) as error:
        message = f"`{path}` does not describe its features and words ({error})"
        raise CorruptArtifactError(message, "train the model again") from error
    note = f"{loaded.description.builder}, threshold {decoding.threshold:g}"
    model: Any = loaded.model
    return DenseCaptioner(model, streams, step, vocabulary, phrases, decoding, note)


def _threshold(options: ModelOptions) -> dict[str, float]:
    """The threshold that the user gives, by itself or in a table; empty for the model's own.

    Raises:
        BadInputError: the table cannot be read, or is of a classifier.
    """
    if options.threshold is not None:
        return {"threshold": options.threshold}
    if options.thresholds is None:
        return {}
    table = read_thresholds(options.thresholds)
    if ANY not in table:
        message = f"`{options.thresholds}` has no threshold of `{ANY}`"
        raise BadInputError(message, "give one that was calibrated with a learned captioner, or --threshold")
    return {"threshold": table[ANY]}


def read_streams(folder: Path, parts: Any, runtime: RuntimeRecipe) -> list[Stream]:
    """The streams of a model; their encoders lie in its folder, features of others where they lay.

    Raises:
        KeyError, TypeError, ValueError: a value is absent or wrong.
    """
    return [
        open_stream(
            str(part["name"]),
            _source_of(folder, part),
            float(part["step"]),
            int(part["dim"]),
            runtime,
        )
        for part in parts
    ]


def _source_of(folder: Path, part: Mapping[str, Any]) -> Path:
    if "encoder" in part:
        return folder / asset_name(part["name"])
    return Path(part["spectrogram"] if "spectrogram" in part else part["folder"])


def _claims(description: "ModelDescription") -> bool:
    return description.preprocess.get("task") == TASK


CAPTIONERS.add(TASK, CaptionerKind("a masked transformer", _claims, open_dense_captioner))
