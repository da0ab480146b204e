"""The similarity engine: z-scores, boxes in grids, class names, and queries found in a film."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.class_heads import ClassHead, need_label
from avtool.inference.localisation.encoders import IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.foreground import foreground_of, robust_z
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.grid_search import mean_of, search_grid, unit
from avtool.inference.localisation.index_writer import write_index
from avtool.inference.localisation.queries import (
    Query,
    SoundClip,
    audio_query,
    frame_query,
    label_query,
    text_query,
)
from avtool.inference.localisation.query_encoders import QueryEncoders
from avtool.inference.localisation.recipes import SimilarityRecipe
from avtool.inference.localisation.search import SearchRecipe, propose, search
from avtool.inference.localisation.similarity import SimilarityEngine
from tests.unit.inference.localisation.text_models import save_text_encoder

HEAD = ClassHead(
    ("Dog", "Bark, Woof", "Walk, footsteps", "Roaring cats (lions, tigers)"),
    np.eye(4, 3, dtype=np.float32),
    np.zeros(4, np.float32),
    multi_label=True,
)


def test_robust_z_is_the_z_of_a_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(5, 2, 100_000)
    assert robust_z(values) == pytest.approx((values - 5) / 2, abs=0.05)


def test_robust_z_of_what_is_mostly_equal_or_all_equal() -> None:
    mostly = np.array([1.0] * 9 + [5.0])
    assert robust_z(mostly)[-1] == pytest.approx(4 / mostly.std())
    assert robust_z(np.ones(7)).tolist() == [0] * 7
    assert robust_z(np.zeros(0)).shape == (0,)


def test_the_foreground_is_a_half_in_the_middle() -> None:
    assert foreground_of(np.array([3.0, -1000, 1000]), 3).tolist() == pytest.approx([0.5, 0, 1], abs=1e-6)


def test_a_planted_box_is_found() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(5, 4, 6, 16)).astype(np.float32)
    planted = unit(rng.normal(size=16))
    tokens[3, 1:3, 4:6] += 20 * planted
    flat = tokens.reshape(5, 24, 16)
    match = search_grid(flat, (4, 6), np.zeros(16, np.float32), planted[None], [(1, 1), (2, 2), (3, 3)])
    assert int(np.argmax(match.similarity)) == 3
    left, top, width, height = match.boxes[3]
    assert 4 / 6 <= left <= 1
    assert 1 / 4 <= top <= 3 / 4
    only = search_grid(flat, (4, 6), np.zeros(16, np.float32), planted[None], [(2, 2)])
    assert only.boxes[3].tolist() == pytest.approx([5 / 6, 2 / 4, 2 / 6, 2 / 4])
    assert width * 6 == pytest.approx(height * 4)


def test_the_mean_is_of_evenly_spaced_frames() -> None:
    values = np.arange(24, dtype=np.float16).reshape(4, 3, 2)
    assert mean_of(values).tolist() == values.reshape(-1, 2).mean(axis=0).tolist()


@pytest.mark.parametrize(
    ("name", "places"),
    [("dog", (0,)), ("BARK", (1,)), ("woof", (1,)), ("footsteps", (2,)), ("roaring cats", (3,)), ("cat", ())],
)
def test_classes_by_name_and_synonym(name: str, places: tuple[int, ...]) -> None:
    assert HEAD.find(name) == places


def test_an_unknown_label_has_the_nearest_three() -> None:
    need_label("Dog", [HEAD])
    with pytest.raises(BadInputError, match="no class is called `barks`") as caught:
        need_label("barks", [HEAD])
    assert caught.value.hint.startswith("nearest: `Dog`, `Bark, Woof`, ")  # dog barks


def test_probabilities_are_those_of_the_layer() -> None:
    features = np.array([[0.0, 2.0, -2.0]], np.float16)
    assert HEAD.probabilities(features)[0] == pytest.approx(1 / (1 + np.exp([0, -2, 2, 0])), abs=1e-5)
    other = ClassHead(HEAD.labels, HEAD.weight, HEAD.bias, multi_label=False)
    assert other.probabilities(features).sum() == pytest.approx(1, abs=1e-6)


@pytest.fixture
def index(film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path) -> FilmIndex:
    return write_index(film, tmp_path / "idx", recipe, Silent())


@pytest.fixture
def engine(index: FilmIndex, tmp_path: Path) -> SimilarityEngine:
    text = str(save_text_encoder(tmp_path / "text"))
    return SimilarityEngine(QueryEncoders(index.card, text, RuntimeRecipe(), Silent()), SimilarityRecipe())


def test_a_crop_is_found_where_it_is(engine: SimilarityEngine, index: FilmIndex, film: Path) -> None:
    scores = engine.scores(index, frame_query(film, 0.75, (56, 16, 32, 32)))
    assert set(np.argsort(-scores.foreground)[:2]) == {2, 3}  # 0.5 to 1.0 s at 4 frames per second
    assert scores.boxes is not None
    assert scores.boxes[3, 0] > 0.5


def test_a_sound_is_found_where_it_is(engine: SimilarityEngine, index: FilmIndex, film: Path) -> None:
    scores = engine.scores(index, audio_query(SoundClip(film, 1.0, 1.97)))
    assert abs(float(index.times[np.argmax(scores.foreground)]) - 1.4) <= 0.3


def test_a_part_of_a_film_is_scored_alone(engine: SimilarityEngine, index: FilmIndex, film: Path) -> None:
    scores = engine.scores(index, frame_query(film, 0.75, (56, 16, 32, 32)), range(1, 7))
    assert scores.times.tolist() == index.times[1:7].tolist()
    whole = engine.scores(index, frame_query(film, 0.75, (56, 16, 32, 32)))
    assert scores.foreground == pytest.approx(whole.foreground[1:7], abs=1e-3)
    sound = audio_query(SoundClip(film, 1.0, 1.97))
    part, all_of_it = engine.scores(index, sound, range(2, 5)), engine.scores(index, sound)
    assert part.foreground == pytest.approx(all_of_it.foreground[2:5], abs=1e-6)


def test_texts_and_labels_need_a_tagger(engine: SimilarityEngine, index: FilmIndex) -> None:
    for query in (text_query("a red square"), label_query("square")):
        with pytest.raises(BadInputError, match="nothing compares a text with the features"):
            engine.scores(index, query)


def scores_of(foreground: list[float]) -> FrameScores:
    return FrameScores(np.arange(len(foreground)) * 0.5, 0.5, np.array(foreground, np.float32))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 1.0])
def test_proposals_are_the_best_parts_of_a_share(share: float) -> None:
    rng = np.random.default_rng(0)
    foreground = rng.uniform(0, 0.5, 200)
    foreground[137] = 1.0
    parts = propose(scores_of(foreground.tolist()), SearchRecipe(share=share, part=5))
    assert any(137 in part for part in parts)
    total = sum(map(len, parts))
    assert 10 <= total <= max(10, share * 200)
    assert total >= share * 200 - 10
    assert all(first.stop < second.start for first, second in pairwise(parts))


class Counting:
    """An engine that gives every frame 0.9, and counts them."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def scores(self, index: FilmIndex, query: Query, frames: range | None = None) -> FrameScores:
        part = frames or range(len(index))
        self.seen += part
        half = np.full(len(part), 0.9, np.float32)
        return FrameScores(index.times[part.start : part.stop], index.step, half, half, half)


def test_two_stages_examine_a_share_alone(engine: SimilarityEngine, index: FilmIndex, film: Path) -> None:
    query, main = frame_query(film, 0.75, (56, 16, 32, 32)), Counting()
    scores = search(main, engine, index, query, SearchRecipe(share=0.34, part=1.0))
    assert 2 in main.seen or 3 in main.seen
    assert len(main.seen) == 4
    there = np.isin(np.arange(12), main.seen)
    assert scores.foreground.tolist() == pytest.approx(np.where(there, 0.9, 0).tolist())
    assert scores.start is not None
    assert (scores.start[~there] < -20).all()
    whole = Counting()
    search(whole, engine, index, query, SearchRecipe())
    assert whole.seen == list(range(12))
