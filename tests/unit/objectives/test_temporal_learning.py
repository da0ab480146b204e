"""What is learned from films of a moving square and a rising tone, and nothing where there is nothing."""

import math

import pytest
import torch
from torch import Tensor

from avtool.models.registry import create
from avtool.models.temporal.avt import AVT
from avtool.objectives.temporal.objective import TemporalSettings, make_temporal_objective
from avtool.objectives.temporal.pretext import pretext_targets
from tests.unit.objectives.synthetic_films import MEL_BINS, NUM_SPEEDS, film_batch

pytestmark = pytest.mark.slow
torch.set_num_threads(1)
Batch = dict[str, Tensor]
BATCH = 16
HELD_OUT = 200


def train(batch: Batch, steps: int) -> AVT:
    """An avt_tiny after so many steps on parts of a batch."""
    torch.manual_seed(0)
    rows = len(batch["video_id"])
    model = create("avt_tiny", num_speeds=NUM_SPEEDS, num_mel_bins=MEL_BINS)
    objective = make_temporal_objective(
        TemporalSettings(), num_clips=max(80, rows), batch=BATCH, total_batches=steps, projection_dim=16
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        chosen = torch.randperm(rows)[:BATCH]
        optimizer.zero_grad()
        objective(model, {name: values[chosen] for name, values in batch.items()})["loss"].backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def balanced_accuracies(model: AVT, batch: Batch) -> dict[str, tuple[float, int]]:
    """The mean recall over the classes of each question, whose chance is 1 / classes, and that number."""
    with torch.no_grad():
        answers = model(batch["video"], batch["audio"]).pretext_logits
    found = {}
    for question, logits in answers.items():
        labels, guesses = pretext_targets(question, batch)[0], logits.argmax(dim=2)
        recalls = [float((guesses[labels == k] == k).float().mean()) for k in range(logits.shape[2])]
        found[question] = sum(recalls) / len(recalls), len(recalls)
    return found


def assert_at_chance(model: AVT) -> None:
    for question, (accuracy, classes) in balanced_accuracies(model, film_batch(HELD_OUT, seed=99)).items():
        chance = 1 / classes
        deviation = math.sqrt(chance * (1 - chance) / HELD_OUT)  # two answers of a row count as one
        assert abs(accuracy - chance) <= 3 * deviation, question


def test_sixteen_clips_are_learned_by_heart() -> None:
    batch = film_batch(16)
    model = train(batch, 300)
    for question, (accuracy, _) in balanced_accuracies(model, batch).items():
        assert accuracy >= 0.95, question
    with torch.no_grad():
        projections = model(batch["video"], batch["audio"]).projections
    for clip in (0, 1):
        nearest = (projections["video"][:, clip] @ projections["audio"][:, clip].T).argmax(dim=1)
        assert nearest.tolist() == list(range(16))


def test_time_is_told_in_films_never_seen() -> None:
    found = balanced_accuracies(train(film_batch(200), 400), film_batch(50, seed=99))
    assert found["video_direction"][0] >= 0.8
    assert found["audio_direction"][0] >= 0.8
    assert all(accuracy > 1.5 / classes for accuracy, classes in found.values())


def test_nothing_is_told_after_learning_wrong_labels() -> None:
    batch = film_batch(200)
    generator = torch.Generator().manual_seed(5)
    for name in [name for name in batch if name.endswith("_weight")]:
        question = name.removesuffix("_weight")
        order = torch.randperm(batch[question].numel(), generator=generator)
        batch[question] = batch[question].flatten()[order].reshape(batch[question].shape)
    assert_at_chance(train(batch, 200))


def test_nothing_is_told_of_films_in_which_nothing_happens() -> None:
    batch = film_batch(200)
    for name in ("video", "audio"):
        batch[name] = torch.randn(200, 2, *[1] * (batch[name].dim() - 2)).expand_as(batch[name]).contiguous()
    assert_at_chance(train(batch, 200))
