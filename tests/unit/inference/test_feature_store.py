"""Kept features of clips: computed once, by content and by place, whatever kills a run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import CorruptArtifactError
from avtool.inference.generation.feature_store import FeatureStore, clip_content

RNG = np.random.default_rng(0)
CLIPS = [RNG.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8) for _ in range(10)]


class Colours:
    """Mean colours, of a network that is killed after some batches."""

    own = True

    def __init__(self, content: str = "a", batches: int = 99) -> None:
        self.name, self.content, self.batches = "colours", content, batches
        self.seen: list[int] = []

    def __call__(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        if len(self.seen) == self.batches:
            raise KeyboardInterrupt
        self.seen.append(len(clips))
        return np.stack([clip.mean((0, 1, 2)) for clip in clips]).astype(np.float32)


EXPECTED = Colours()(CLIPS)


def test_a_killed_run_goes_on_after_its_last_batch(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        FeatureStore(Colours(batches=2)).features(CLIPS, 3)
    network = Colours()
    assert np.array_equal(FeatureStore(network).features(CLIPS, 3), EXPECTED)
    assert network.seen == [3, 1]
    assert np.array_equal(FeatureStore(network).features(CLIPS[::-1], 3), EXPECTED[::-1])
    assert network.seen == [3, 1]


def test_clips_are_known_by_their_frames_and_networks_by_their_weights(cache: Path) -> None:
    FeatureStore(Colours()).features(CLIPS, 8)
    changed = CLIPS[0].copy()
    changed[3, 2, 1, 0] ^= 1
    assert clip_content(changed) != clip_content(CLIPS[0])
    assert clip_content(CLIPS[0].reshape(4, 5, 6, 3)) != clip_content(CLIPS[0])
    network = Colours()
    assert np.array_equal(FeatureStore(network).features([changed], 8), network([changed]))
    assert network.seen == [1, 1]
    other = Colours("b")
    FeatureStore(other).features(CLIPS, 8)
    assert other.seen == [8, 2]


def test_a_place_has_its_clip(cache: Path) -> None:
    store = FeatureStore(Colours())
    assert store.at("film 0") is None
    store.features_at(["film 0", "film 16"], CLIPS[:2], 8)
    again = FeatureStore(Colours(batches=0))
    assert np.array_equal(again.at("film 16"), EXPECTED[1])
    assert again.at("film 32") is None


def test_a_damaged_file_is_named(cache: Path) -> None:
    store = FeatureStore(Colours())
    store.features(CLIPS, 8)
    store.path.write_bytes(b"no database" * 500)
    with pytest.raises(CorruptArtifactError, match=r"\.db` is unusable: file is not a database"):
        store.features(CLIPS, 8)
