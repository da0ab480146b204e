"""Mean frames and principal components of clips, against scikit-learn and closed forms."""

import numpy as np
import pytest
from sklearn.decomposition import PCA, IncrementalPCA

from avtool.benchmarks.video_reconstruction.baselines import ClipComponents, mean_frame, shrunk_mean

SHAPE = (3, 4, 6, 3)


def clips(count: int, seed: int = 0) -> list[np.ndarray]:
    """Smooth random clips: sums of a few patterns, so that components matter."""
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(9).standard_normal((12, *SHAPE))
    weights = rng.standard_normal((count, 12)) * np.linspace(40, 2, 12)
    return list((np.tensordot(weights, patterns, 1) + 128).round().clip(0, 255).astype(np.uint8))


def flat(found: list[np.ndarray]) -> np.ndarray:
    return np.stack(found).reshape(len(found), -1).astype(np.float64)


@pytest.mark.parametrize("components", [1, 5, 20])
def test_components_are_those_of_scikit_learn(components: int) -> None:
    training, others = clips(40), clips(7, seed=1)
    theirs = PCA(components, svd_solver="full").fit(flat(training))
    wanted = theirs.inverse_transform(theirs.transform(flat(others)))
    found = flat(ClipComponents.of(training, components).restore(others))
    assert np.abs(found - wanted.clip(0, 255)).max() <= 0.5 + 1e-3, "equal but for rounding to pixels"


def test_components_equal_incremental_ones_where_all_variance_is_kept() -> None:
    training = clips(30)
    theirs = IncrementalPCA(29, batch_size=30).fit(flat(training))
    wanted = theirs.inverse_transform(theirs.transform(flat(training)))
    found = flat(ClipComponents.of(training, 29).restore(training))
    np.testing.assert_allclose(wanted, flat(training), atol=1e-6)
    np.testing.assert_array_equal(found, flat(training))


def test_there_are_no_more_components_than_clips_span() -> None:
    training = clips(5)
    assert ClipComponents.of(training, 100).weights.shape == (5, 4)
    assert ClipComponents.of([training[0], training[0], training[1]], 100).weights.shape == (3, 1)


def test_a_mean_frame_in_few_numbers() -> None:
    clip = np.zeros((2, 8, 8, 3), np.uint8)
    clip[0, :, 4:] = 200
    small = shrunk_mean(clip, 12)
    assert small.shape == clip.shape
    np.testing.assert_array_equal(small[0], small[1])
    assert small[0, 0, 0, 0] == 0
    assert small[0, 0, -1, 0] == 100
    np.testing.assert_array_equal(shrunk_mean(clip, 8 * 8 * 3)[0], clip.mean(axis=0).astype(np.uint8))
    np.testing.assert_array_equal(shrunk_mean(clip, 3), np.full_like(clip, 50))
    np.testing.assert_allclose(mean_frame([clip, clip // 2])[0, -1], 75)
