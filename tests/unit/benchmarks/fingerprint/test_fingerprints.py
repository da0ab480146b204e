"""Classical fingerprints, and the votes that name a clip."""

import numpy as np
import pytest

from avtool.benchmarks.fingerprint.classical import chroma_features, hash_features
from avtool.benchmarks.fingerprint.landmarks import LandmarkIndex, find_landmarks
from avtool.benchmarks.fingerprint.recording import Recording
from avtool.benchmarks.fingerprint.voting import WindowFeatures, ranks_of_votes, vote

RATE = 16000


def melody(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Notes of a fifth of a second."""
    rng = np.random.default_rng(seed)
    notes = 220 * 2 ** (rng.integers(0, 36, round(5 * seconds)) / 12)
    t = np.arange(RATE // 5) / RATE
    return np.concatenate([0.3 * np.sin(2 * np.pi * note * t) for note in notes]).astype(np.float32)


def test_landmarks_name_a_part_of_a_noisy_melody() -> None:
    index = LandmarkIndex({number: find_landmarks(melody(number), RATE) for number in range(5)}, 5)
    part = melody(3)[RATE : 3 * RATE]
    noisy = part + 0.03 * np.random.default_rng(0).standard_normal(len(part)).astype(np.float32)
    votes = index.votes(find_landmarks(noisy, RATE))
    assert votes.argmax() == 3
    assert votes[3] > 3 * np.delete(votes, 3).max()


def test_landmarks_agree_at_one_offset() -> None:
    """The same notes in another order share hashes, but not their times."""
    whole = melody(0)
    index = LandmarkIndex({0: find_landmarks(whole, RATE)}, 1)
    blocks = whole.reshape(-1, RATE // 5)
    shuffled = blocks[np.random.default_rng(1).permutation(len(blocks))].ravel()
    itself = index.votes(find_landmarks(whole, RATE))[0]
    assert itself == len(find_landmarks(whole, RATE).hashes)
    assert index.votes(find_landmarks(shuffled, RATE))[0] < itself / 4


@pytest.mark.parametrize("length", [0, 10, 1024, 3000])
def test_short_or_silent_sound_has_no_landmarks_to_trip_over(length: int) -> None:
    found = find_landmarks(np.zeros(length, np.float32), RATE)
    assert len(found.hashes) == len(found.times) == 0
    assert LandmarkIndex({0: find_landmarks(melody(0), RATE)}, 2).votes(found).tolist() == [0, 0]


def test_chroma_names_the_note_in_any_octave() -> None:
    t = np.arange(RATE) / RATE
    low, high, other = (np.sin(2 * np.pi * f * t).astype(np.float32) for f in (220, 880, 622.25))
    a, b, c = (
        chroma_features(Recording("r", audio, RATE, None, 8.0), np.zeros(1))[0]
        for audio in (low, high, other)
    )
    assert a.shape == (48,)
    assert a[:12].argmax() == 0  # A
    assert c[:12].argmax() == 6  # D sharp
    assert np.corrcoef(a, b)[0, 1] > 0.95 > 0.1 > np.corrcoef(a, c)[0, 1]


def test_a_hash_counts_equal_gradients() -> None:
    rising = np.tile(np.arange(64, dtype=np.uint8)[None, None, :, None] * 3, (8, 48, 1, 3))
    found = hash_features(Recording("r", None, RATE, rising, 8.0), np.array([0.0]))
    mirrored = hash_features(Recording("r", None, RATE, rising[:, :, ::-1], 8.0), np.array([0.0]))
    assert found.tolist() == [[1.0] * 64]
    assert mirrored.tolist() == [[-1.0] * 64]


def test_windows_vote_with_their_similarity() -> None:
    database = WindowFeatures(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]), np.array([0, 1, 2]))
    queries = WindowFeatures(np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([0, 0]))
    votes = vote(queries, database, 3, neighbours=2)
    np.testing.assert_allclose(votes[0], [1.0 + 0.6, 0.0 + 0.8, 0.0])


def test_only_the_nearest_vote() -> None:
    database = WindowFeatures(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), np.array([0, 1, 2]))
    votes = vote(WindowFeatures(np.array([[1.0, 0.0]]), np.array([0])), database, 3, neighbours=1)
    assert votes.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_a_clip_without_a_vote_is_not_found() -> None:
    votes = np.array([[2.0, 1.0, 0.0], [5.0, 3.0, 0.0], [1.0, 0.0, 0.0]])
    assert ranks_of_votes(votes, np.array([0, 1, 2])).tolist() == [1, 2, 4]


def test_an_encoder_that_collapsed_finds_no_more_than_chance() -> None:
    ones = WindowFeatures(np.ones((12, 4)), np.repeat(np.arange(6), 2))
    ranks = ranks_of_votes(vote(ones, ones, 6, neighbours=2), np.arange(6))
    assert (ranks == 1).mean() == pytest.approx(1 / 6)
