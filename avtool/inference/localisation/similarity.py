"""The similarity engine: queries found in the features of an index, without training; the baseline."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.core.paths import cache_folder
from avtool.inference.localisation.class_heads import ClassHead, audio_head, need_label, visual_head
from avtool.inference.localisation.film_index import FilmIndex, check_finite
from avtool.inference.localisation.foreground import foreground_of, robust_z
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.grid_search import mean_of, sampled, search_grid, unit
from avtool.inference.localisation.queries import Query
from avtool.inference.localisation.query_encoders import QueryEncoders
from avtool.inference.localisation.recipes import SimilarityRecipe

Vectors = NDArray[np.float32]
_CELL = 32
_REFERENCE = 256
"""Frames that the z-scores of an image in a part of a film are relative to."""


class SimilarityEngine:
    """Scores of frames by similarity.

    An image is compared with the cells of each frame, a sound with its audio; a label takes the scores of the
    class in the tagger whose features were indexed; a sentence those of the classes whose names are alike
    by an encoder of texts, or, where the index was made by CLIP, SigLIP, CLAP or PE-A, the similarity of its
    own text tower.

    Args:
        encoders: of queries, as the index names them.
        recipe: how similarities become a foreground.
    """

    name = "similarity"

    def __init__(self, encoders: QueryEncoders, recipe: SimilarityRecipe) -> None:
        self.encoders, self.recipe = encoders, recipe

    def scores(self, index: FilmIndex, query: Query, frames: range | None = None) -> FrameScores:
        """Scores of a query over a film, or over some of its frames.

        Args:
            index: of the film.
            query: what is looked for.
            frames: the part that is scored; z-scores are of the whole film, those of images of frames that
                are evenly spaced over it.

        Raises:
            BadInputError: the index lacks the modality, no tagger has the label, or nothing compares texts.
            CorruptArtifactError: features of the index are not finite.
            MissingError: the text encoder is not on this machine.
        """
        query.need_modality(index)
        part = slice(frames.start, frames.stop) if frames is not None else slice(None)
        boxes = None
        if query.kind == "image":
            values, boxes = self._image(index, query, part)
        elif query.kind == "audio":
            values = self._audio(index, query, part)
        elif query.kind == "label" and self._heads(index):
            values = self._label(index, query.text, part)
        else:
            values = self._text(index, query.text, part)
        _check(values, index)
        return FrameScores(index.times[part], index.step, values, boxes=boxes)

    def coarse(self, index: FilmIndex, query: Query) -> FrameScores:
        """Scores by one feature a frame: fast, and without boxes.

        Raises:
            BadInputError, CorruptArtifactError: as `scores`.
        """
        if query.kind != "image":
            return self.scores(index, query)
        query.need_modality(index)
        assert index.visual_pooled is not None, "it has video"
        mean = mean_of(index.visual_pooled)
        crop = unit(self.encoders.visual.encode_image(query.image).pooled - mean)
        found = unit(np.asarray(index.visual_pooled, np.float32) - mean) @ crop[0]
        _check(found, index)
        return FrameScores(index.times, index.step, self._foreground(robust_z(found)))

    def _foreground(self, deviations: NDArray[Any]) -> Vectors:
        return foreground_of(deviations, self.recipe.middle)

    def _image(self, index: FilmIndex, query: Query, part: slice) -> tuple[Vectors, Vectors]:
        assert index.visual is not None, "it has video"
        mean = mean_of(index.visual)
        descriptors, sizes = self._descriptors(index, query, mean), _sizes(index, query)
        match = search_grid(index.visual[part], index.grid, mean, descriptors, sizes)
        _check(match.similarity, index)
        reference = None
        if len(match.similarity) < len(index):
            frames = index.visual[sampled(len(index), _REFERENCE)]
            reference = search_grid(frames, index.grid, mean, descriptors, sizes).similarity
        return self._foreground(robust_z(match.similarity, reference)), match.boxes

    def _descriptors(self, index: FilmIndex, query: Query, mean: Vectors) -> Vectors:
        """An image as unit vectors: as it is, at the scale of the film, and as its frame shows it."""
        encoder = self.encoders.visual
        found = [encoder.encode_image(query.image).tokens[0].mean(axis=0)]
        if encoder.takes_any_shape:
            found.append(encoder.encode(_at_scale(index, query)[None]).tokens[0].mean(axis=0))
        if query.frame is not None and query.box is not None:
            whole = encoder.encode_image(query.frame)
            rows, columns = whole.grid
            cells = _cells(query.box, query.frame.shape[:2], rows, columns)
            found.append(
                whole.tokens[0].reshape(rows, columns, -1)[cells].reshape(-1, len(mean)).mean(axis=0)
            )
        return unit(np.stack(found) - mean)

    def _audio(self, index: FilmIndex, query: Query, part: slice) -> Vectors:
        assert index.audio_pooled is not None, "it has audio"
        mean = mean_of(index.audio_pooled)
        sound = unit((self.encoders.tokens(query) - mean).mean(axis=0))
        features = unit(np.asarray(index.audio_pooled, np.float32) - mean)
        found = features @ sound
        _check(found, index)
        return self._foreground(robust_z(found))[part]

    def _label(self, index: FilmIndex, label: str, part: slice) -> Vectors:
        """The largest probability of the classes of that name, of both taggers."""
        heads = self._heads(index)
        need_label(label, [head for head, _ in heads])
        found = []
        for head, features in heads:
            places = head.find(label)
            if places:
                found.append(head.probabilities(np.asarray(features[part]))[:, list(places)].max(axis=1))
        most: Vectors = np.max(found, axis=0)
        return most

    def _text(self, index: FilmIndex, text: str, part: slice) -> Vectors:
        towers = self._towers(index, text)
        if towers:
            best = np.max([robust_z(values) for values in towers], axis=0)
            return self._foreground(best)[part]
        heads = self._heads(index)
        if not heads:
            message = f"nothing compares a text with the features of `{index.folder}`"
            raise BadInputError(message, "index the film by a tagger (YAMNet), or by CLIP or CLAP")
        sentence = self.encoders.text.sentences([text])[0]
        cosines = [self._class_names(head) @ sentence for head, _ in heads]
        best = max(float(values.max()) for values in cosines)
        absent = np.ones(len(heads[0][1][part]), np.float32)
        for (head, features), values in zip(heads, cosines, strict=True):
            chosen = np.argsort(-values, kind="stable")[: self.recipe.classes]
            weights = np.exp((values[chosen] - best) / self.recipe.temperature)
            found = head.probabilities(np.asarray(features[part]))[:, chosen]
            absent *= np.prod(1 - found * weights, axis=1)
        return 1 - absent

    def _class_names(self, head: ClassHead) -> Vectors:
        """Unit vectors of the names of classes, computed once for an encoder of texts."""
        if head.labels not in self._names:
            key = settings_hash([self.encoders.text.weights, head.labels])
            path = cache_folder() / "class-names" / f"{key}.npy"
            if not path.is_file():
                with atomic_file(path) as partial, partial.open("wb") as stream:
                    np.save(stream, self.encoders.text.sentences(head.labels))
            self._names[head.labels] = np.load(path, allow_pickle=False)
        return self._names[head.labels]

    @cached_property
    def _names(self) -> dict[tuple[str, ...], Vectors]:
        return {}

    def _heads(self, index: FilmIndex) -> list[tuple[ClassHead, NDArray[np.float16]]]:
        """The taggers among the encoders of an index, and the features that they score."""
        found = []
        if index.audio_pooled is not None and self._audio_head is not None:
            found.append((self._audio_head, index.audio_pooled))
        if index.visual_pooled is not None and self._visual_head is not None:
            found.append((self._visual_head, index.visual_pooled))
        return found

    @cached_property
    def _audio_head(self) -> ClassHead | None:
        return audio_head(self.encoders.audio)

    @cached_property
    def _visual_head(self) -> ClassHead | None:
        return visual_head(self.encoders.visual)

    def _towers(self, index: FilmIndex, text: str) -> list[Vectors]:
        """Similarities of a text and frames, (N,) each, of the encoders that have a text tower."""
        streams = (
            ("image", index.card.visual, index.visual_pooled),
            ("audio", index.card.audio, index.audio_pooled),
        )
        found = []
        for name, stream, features in streams:
            if stream is None or features is None or not _has_text_tower(stream.encoder):
                continue
            found.append(_compared(Path(stream.encoder), name, text, features))
        return found


def _check(values: NDArray[Any], index: FilmIndex) -> None:
    check_finite(values, f"features in `{index.folder}`")


def _has_text_tower(encoder: str) -> bool:
    from avtool.models.hub.text_tower import has_text_tower

    return has_text_tower(Path(encoder))


def _compared(encoder: Path, name: str, text: str, features: NDArray[np.float16]) -> Vectors:
    import torch

    from avtool.models.hub.text_tower import embed_texts

    texts = embed_texts(encoder, [text], torch.device("cpu"))[name]
    found: Vectors = texts.logits(torch.from_numpy(np.asarray(features, np.float32)))[:, 0].numpy()
    return found


def _at_scale(index: FilmIndex, query: Query) -> NDArray[np.uint8]:
    """An image at the scale at which frames were read, at least two cells high and wide."""
    from PIL import Image

    height, width = query.image.shape[:2]
    of_film = min(query.frame.shape[:2]) if query.frame is not None else min(index.frame_size)
    scale = index.card.size / max(1, of_film)
    sides = [max(2 * _CELL, round(side * scale / _CELL) * _CELL) for side in (width, height)]
    scaled = Image.fromarray(query.image).resize((sides[0], sides[1]), Image.Resampling.BICUBIC)
    return np.asarray(scaled, np.uint8)


def _sizes(index: FilmIndex, query: Query) -> list[tuple[int, int]]:
    """(rows, columns) of boxes: of about the image's share of the frame, smaller and larger ones."""
    rows, columns = index.grid
    height, width = query.frame.shape[:2] if query.frame is not None else index.frame_size[::-1]
    tall = query.image.shape[0] / max(1, height) * rows
    wide = query.image.shape[1] / max(1, width) * columns
    scales: Sequence[float] = (0.7, 1.0, 1.4)
    found = {
        (min(rows, max(1, round(tall * scale))), min(columns, max(1, round(wide * scale))))
        for scale in scales
    }
    return sorted(found)


def _cells(
    box: tuple[float, float, float, float], shape: tuple[int, ...], rows: int, columns: int
) -> tuple[slice, slice]:
    """The cells whose middles a box covers; at least the one of its middle."""
    left, top, width, height = box
    found = []
    for first, side, whole, count in ((top, height, shape[0], rows), (left, width, shape[1], columns)):
        low, high = first / whole * count - 0.5, (first + side) / whole * count - 0.5
        begin, past = int(np.ceil(low)), int(np.floor(high)) + 1
        if past <= begin:
            begin = min(count - 1, max(0, int((first + side / 2) / whole * count)))
            past = begin + 1
        found.append(slice(max(0, begin), min(count, past)))
    return found[0], found[1]
