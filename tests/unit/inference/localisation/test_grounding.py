"""The grounding engine on the tiny network: beside one pass over each window, invariants, bad input."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.recipe import validate
from avtool.core.reporter import Silent
from avtool.inference.localisation.grounding import GroundingEngine, GroundingRecipe
from avtool.inference.localisation.sliding import window_starts
from avtool.models.registry import create

STEP = 0.2
QUERY = SimpleNamespace(kind="text", name="x")
CPU = {"device": "cpu", "precision": "fp32"}


class Tokens:
    """The same random tokens for every query of a kind."""

    def __init__(self, model, length=3):
        self.widths, self.length = model.settings.query_dims, length

    def tokens(self, query):
        generator = np.random.default_rng(len(query.kind))
        return generator.normal(size=(self.length, self.widths[query.kind])).astype(np.float32)


@pytest.fixture(scope="module", params=[False, True], ids=["published", "match"])
def model(request):
    torch.manual_seed(0)
    model = create("minotaur_tiny", match=request.param).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def index(frames, *, visual=True, audio=True, grid=(2, 2), seed=0):
    generator = np.random.default_rng(seed)
    video = generator.normal(size=(frames, grid[0] * grid[1], 32)).astype(np.float16)
    sound = generator.normal(size=(frames, 1, 16)).astype(np.float16)
    return SimpleNamespace(
        times=np.arange(frames) * STEP,
        step=STEP,
        visual=video if visual else None,
        audio=sound if audio else None,
        grid=grid,
    )


def engine(model, window=16, step=4, **keys):
    recipe = GroundingRecipe(window=window * STEP, step=step * STEP, runtime=CPU, **keys)
    return GroundingEngine(model, Tokens(model), recipe, Silent())


@torch.no_grad()
def recomputed(model, film, query, window, step, stride=1, frames=None, scale=1):
    """Logits and boxes by the whole network in each window, as the reference runs it."""
    tokens = torch.from_numpy(Tokens(model).tokens(query))[None]
    chosen = np.arange(len(film.times))[frames if frames is not None else slice(None)][::scale]
    sums, counts = np.zeros((len(chosen), 7)), np.zeros(len(chosen))
    for start in window_starts(len(chosen), window, step):
        rows = chosen[start : start + window]
        video, sound = (
            None if values is None else torch.from_numpy(values[rows].astype(np.float32))[None]
            for values in (film.visual, film.audio)
        )
        output = model(
            video, sound, tokens, torch.ones(1, tokens.shape[1], dtype=torch.bool), query.kind,
            stride=stride, grid=film.grid,
        )  # fmt: skip
        values = [output.boxes[-1, 0], output.start_end[-1, 0], output.foreground[-1, 0][:, None]]
        sums[start : start + len(rows)] += torch.cat(values, dim=-1).numpy()
        counts[start : start + len(rows)] += 1
    return sums / counts[:, None]


def same(scores, expected, tolerance=1e-5):
    assert np.abs(scores.foreground - 1 / (1 + np.exp(-expected[:, 6]))).max() < tolerance
    assert np.abs(np.stack([scores.start, scores.end], axis=1) - expected[:, 4:6]).max() < tolerance
    if scores.boxes is not None:
        assert np.abs(scores.boxes - expected[:, :4]).max() < tolerance


@pytest.mark.parametrize("kind", ["image", "text", "label", "audio"])
@pytest.mark.parametrize("frames", [8, 16, 50])
def test_encoding_once_equals_encoding_in_every_window(model, kind, frames):
    film, query = index(frames), SimpleNamespace(kind=kind, name="x")
    one = engine(model, chunk=5, batch=3)
    same(one.scores(film, query), recomputed(model, film, query, 16, 4))
    assert one.encoded == frames
    assert one.windows == len(window_starts(frames, 16, 4))


def test_a_stride_equals_the_reference(model):
    film = index(50)
    same(
        engine(model, stride=4, chunk=2).scores(film, QUERY), recomputed(model, film, QUERY, 16, 4, stride=4)
    )


def test_scales_equal_passes_over_every_so_many_th_frame(model):
    film = index(120)
    one = engine(model, scales=(1, 3, 5))
    for scale, scores in zip((1, 3, 5), one.scores_by_scale(film, QUERY), strict=True):
        same(scores, recomputed(model, film, QUERY, 16, 4, scale=scale))
        assert scores.step == pytest.approx(scale * STEP)
        assert scores.times.tolist() == film.times[::scale].tolist()
    assert one.encoded == 120


def test_a_part_of_a_film(model):
    film = index(60)
    scores = engine(model).scores(film, QUERY, range(20, 45))
    same(scores, recomputed(model, film, QUERY, 16, 4, frames=slice(20, 45)))
    assert scores.times.tolist() == film.times[20:45].tolist()


@pytest.mark.parametrize("lacking", ["visual", "audio"])
def test_a_film_without_a_modality(model, lacking):
    film = index(30, **{lacking: False})
    scores = engine(model).scores(film, QUERY)
    same(scores, recomputed(model, film, QUERY, 16, 4))
    assert (scores.boxes is None) == (lacking == "visual")


def test_another_grid_than_that_of_training(model):
    film = index(30, grid=(3, 4))
    same(engine(model).scores(film, QUERY), recomputed(model, film, QUERY, 16, 4))


def test_batches_and_chunks_change_nothing(model):
    film = index(70)
    one = engine(model, batch=1, chunk=1).scores(film, QUERY)
    other = engine(model, batch=64, chunk=512).scores(film, QUERY)
    for name in ("foreground", "start", "end", "boxes"):
        assert np.abs(getattr(one, name) - getattr(other, name)).max() < 1e-5


def test_bf16_is_near(model):
    film = index(40)
    recipe = GroundingRecipe(window=3.2, step=0.8, runtime={"device": "cpu", "precision": "bf16"})
    half = GroundingEngine(model, Tokens(model), recipe, Silent()).scores(film, QUERY)
    whole = engine(model).scores(film, QUERY)
    assert np.abs(half.foreground - whole.foreground).max() < 2e-2


@pytest.mark.parametrize(
    ("film", "query", "keys", "message"),
    [
        (index(30), SimpleNamespace(kind="smell", name="x"), {}, "takes no smell query"),
        (index(30), QUERY, {"window": 7}, "a window of 7 frames"),
        (index(30), QUERY, {"step": 20}, "windows every 20 frames"),
        (index(30), QUERY, {"step": 3, "stride": 2}, "a step of 3 frames"),
        (index(30, visual=False, audio=False), QUERY, {}, "no visual and no audio features"),
    ],
)
def test_bad_input(model, film, query, keys, message):
    with pytest.raises(BadInputError, match=message):
        engine(model, **keys).scores(film, query)


def test_features_of_other_encoders(model):
    film = index(30)
    film.audio = film.audio[..., :8]
    with pytest.raises(BadInputError, match="audio tokens of width 8, the model takes 16"):
        engine(model).scores(film, QUERY)


@pytest.mark.parametrize("scales", ["0", "3,1", "1,1"])
def test_bad_scales(scales):
    with pytest.raises(BadInputError, match="rising"):
        validate(GroundingRecipe, {"scales": scales}, origin="x")


@torch.no_grad()
def test_the_match_proposes_what_matches_best(model):
    film, made = index(50), engine(model, chunk=7)
    if not model.settings.match:
        with pytest.raises(BadInputError, match="has no match"):
            made.coarse(film, QUERY)
        return
    tokens = torch.from_numpy(Tokens(model).tokens(QUERY))[None]
    video, sound = (torch.from_numpy(values.astype(np.float32))[None] for values in (film.visual, film.audio))
    mask = torch.ones(1, tokens.shape[1], dtype=torch.bool)
    match = model(video, sound, tokens, mask, QUERY.kind, grid=film.grid).match[0].numpy()
    found = made.coarse(film, QUERY)
    np.testing.assert_allclose(found.foreground, np.exp(match - match.max()), atol=1e-5)
    assert found.start is None
    assert list(found.times) == list(film.times)


def test_features_that_are_not_finite_are_damage(model):
    film = index(20)
    film.visual[3] = np.nan
    with pytest.raises(CorruptArtifactError, match="features that are not finite"):
        engine(model).scores(film, QUERY)
