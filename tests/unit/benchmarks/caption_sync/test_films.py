import numpy as np
import pytest

from avtool.benchmarks.caption_sync.distortions import DISTORTIONS, Distortion, distort
from avtool.benchmarks.caption_sync.films import CLASSICAL, NEURAL, make_film


@pytest.fixture(scope="module")
def film():
    return make_film(30, np.random.default_rng(3), NEURAL)


def test_same_seed_gives_the_same_film(film):
    again = make_film(30, np.random.default_rng(3), NEURAL)
    assert np.array_equal(film.speech, again.speech)
    assert np.array_equal(film.starts_s, again.starts_s)


def test_cues_are_in_order_within_the_film_and_mostly_dialogue(film):
    assert (np.diff(film.starts_s) >= 0).all()
    assert (film.ends_s > film.starts_s).all()
    assert film.starts_s[0] >= 0
    assert film.ends_s[-1] < film.duration_s + 5
    assert 0.75 < film.is_dialogue.mean() < 0.98


@pytest.mark.parametrize(("quality", "least", "most"), [(NEURAL, 0.88, 0.98), (CLASSICAL, 0.6, 0.85)])
def test_detector_hears_the_share_of_dialogue_it_should(quality, least, most):
    film = make_film(60, np.random.default_rng(5), quality)
    spans = zip(film.starts_s[film.is_dialogue], film.ends_s[film.is_dialogue], strict=True)
    heard = [film.speech[round(100 * start) + 20 : round(100 * end)].any() for start, end in spans]
    assert least < np.mean(heard) < most


@pytest.mark.parametrize("distortion", [d for d in DISTORTIONS if not d.jumps_s], ids=lambda d: d.name)
def test_ratio_and_offset_bring_the_captions_back(film, distortion):
    captions = distort(film, distortion, np.random.default_rng(0))
    back = distortion.ratio * captions.starts_s + distortion.offset_s
    assert np.allclose(back, captions.true_starts_s)
    assert len(back) == len(film.starts_s)


def test_jumps_shift_what_follows_and_lose_or_add_cues(film):
    jumps = Distortion("test", jumps_s=(12.0, -20.0, 38.0))
    captions = distort(film, jumps, np.random.default_rng(1))
    known = ~np.isnan(captions.true_starts_s)
    offsets = (captions.true_starts_s - captions.starts_s)[known]
    runs = offsets[np.concatenate([[True], np.abs(np.diff(offsets)) > 1e-6])]
    assert np.allclose(runs, [0, 12, -8, 30])
    assert (np.diff(captions.starts_s) >= 0).all()
    assert (~known).sum() >= 4
    assert known.sum() < len(film.starts_s)
