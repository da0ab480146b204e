"""The losses of classification, and the task that applies them."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from avtool.models.layers.output import ClassifierOutput
from avtool.objectives.classification import (
    CRITERIA,
    Classification,
    binary_cross_entropy,
    cross_entropy,
    smooth,
    split_cross_entropy,
)

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])


def test_multi_label_is_the_mean_over_classes_and_the_sum_is_three_times_it() -> None:
    label = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    mean = CRITERIA["multi-label"](LOGITS, label)
    torch.testing.assert_close(mean.mean(), functional.binary_cross_entropy_with_logits(LOGITS, label))
    torch.testing.assert_close(CRITERIA["multi-label-sum"](LOGITS, label), 3 * mean)


def test_indices_and_one_hot_vectors_give_the_same() -> None:
    label = torch.tensor([2, 0])
    vectors = torch.eye(3)[label]
    for criterion in (cross_entropy, binary_cross_entropy):
        torch.testing.assert_close(criterion(LOGITS, label), criterion(LOGITS, vectors))
    torch.testing.assert_close(cross_entropy(LOGITS, label).mean(), functional.cross_entropy(LOGITS, label))


def test_smoothing_equals_that_of_torch() -> None:
    label = torch.tensor([2, 0])
    ours = cross_entropy(LOGITS, label, smoothing=0.3).mean()
    torch.testing.assert_close(ours, functional.cross_entropy(LOGITS, label, label_smoothing=0.3))


def test_smoothing_of_many_labels() -> None:
    smoothed = smooth(torch.tensor([1.0, 1.0, 0.0, 0.0]), 0.4)
    torch.testing.assert_close(smoothed, torch.tensor([0.7, 0.7, 0.1, 0.1]))


def test_verb_and_noun_are_averaged() -> None:
    logits = torch.randn(4, 5)
    label = torch.tensor([[0, 2], [1, 0], [1, 1], [0, 0]])
    expected = (
        functional.cross_entropy(logits[:, :2], label[:, 0])
        + functional.cross_entropy(logits[:, 2:], label[:, 1])
    ) / 2
    torch.testing.assert_close(split_cross_entropy(logits, label, sizes=(2, 3)).mean(), expected)
    vectors = torch.cat([torch.eye(2)[label[:, 0]], torch.eye(3)[label[:, 1]]], dim=1)
    torch.testing.assert_close(split_cross_entropy(logits, vectors, sizes=(2, 3)).mean(), expected)


class TwoScores(nn.Module):
    """A model whose logits are its inputs."""

    def forward(self, audio: Tensor, video: Tensor) -> ClassifierOutput:
        return ClassifierOutput((audio + video) / 2, {"audio": audio, "video": video})


def two_batch() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {"audio": torch.randn(4, 3), "video": torch.randn(4, 3), "label": torch.tensor([0, 1, 2, 0])}


def test_training_averages_the_losses_of_the_modalities() -> None:
    batch, task = two_batch(), Classification(("audio", "video"), cross_entropy, each_modality=True)
    scores = task(TwoScores().train(), batch)
    audio, video = (functional.cross_entropy(batch[name], batch["label"]) for name in ("audio", "video"))
    torch.testing.assert_close(scores["loss"], (audio + video) / 2)
    torch.testing.assert_close(scores["loss_audio"], audio)
    torch.testing.assert_close(scores["loss_video"], video)


def test_evaluation_scores_the_averaged_logits() -> None:
    batch, task = two_batch(), Classification(("audio", "video"), cross_entropy, each_modality=True)
    scores = task(TwoScores().eval(), batch)
    assert set(scores) == {"loss"}
    mean = (batch["audio"] + batch["video"]) / 2
    torch.testing.assert_close(scores["loss"], functional.cross_entropy(mean, batch["label"]))


def test_modalities_may_have_labels_of_their_own() -> None:
    batch = {**two_batch(), "video_label": torch.tensor([2, 2, 2, 2])}
    scores = Classification(("audio", "video"), cross_entropy, each_modality=True)(TwoScores().train(), batch)
    torch.testing.assert_close(
        scores["loss_video"], functional.cross_entropy(batch["video"], batch["video_label"])
    )
    torch.testing.assert_close(scores["loss_audio"], functional.cross_entropy(batch["audio"], batch["label"]))


def test_absent_modalities_have_no_loss() -> None:
    batch = {**two_batch(), "audio_present": torch.tensor([True, False, False, True])}
    scores = Classification(("audio", "video"), cross_entropy, each_modality=True)(TwoScores().train(), batch)
    audio, video = (cross_entropy(batch[name], batch["label"]) for name in ("audio", "video"))
    both = (audio + video) / 2
    torch.testing.assert_close(scores["loss"], (both[0] + video[1] + video[2] + both[3]) / 4)
    torch.testing.assert_close(scores["loss_audio"], (audio[0] + audio[3]) / 2)


@pytest.mark.parametrize("name", CRITERIA)
def test_every_criterion_gives_one_loss_a_sample(name: str) -> None:
    criterion = CRITERIA[name]
    if name == "verb-noun":
        criterion = partial(criterion, sizes=(1, 2))
    assert criterion(LOGITS, torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])).shape == (2,)
