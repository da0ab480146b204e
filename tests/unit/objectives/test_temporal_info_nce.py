"""InfoNCE beside torch's cross-entropy, closed forms, and finite differences."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from avtool.objectives.temporal.contrasts import InfoNCE
from avtool.objectives.temporal.info_nce import (
    EXCLUDED,
    contrast,
    exclude_unless,
    log_negatives,
    multi_positive_contrast,
)
from avtool.objectives.temporal.views import Views
from tests.unit.objectives.temporal_batches import labels, projections, unit

TAU = 0.1


def score(values: dict[str, Tensor], pairs: tuple[str, ...], **changes: object) -> dict[str, Tensor]:
    rows = len(values["video"])
    return InfoNCE(pairs, TAU)(Views.of(values, labels(rows, **changes)), {})


def test_sight_and_sound_give_torchs_cross_entropy_in_both_directions_of_both_clips() -> None:
    values, expected = projections(12), []
    for clip in (0, 1):
        logits = values["video"][:, clip] @ values["audio"][:, clip].T / TAU
        expected += [cross_entropy(logits, torch.arange(12)), cross_entropy(logits.T, torch.arange(12))]
    assert abs(float(score(values, ("va",))["contrast_va"] - torch.stack(expected).mean())) <= 1e-6


@pytest.mark.parametrize(("pair", "modality"), [("vv", "video"), ("aa", "audio")])
def test_the_two_clips_stand_among_all_other_clips(pair: str, modality: str) -> None:
    values = projections(12)
    clips = values[modality].transpose(0, 1).flatten(0, 1)  # first clips, then second clips
    logits = (clips @ clips.T / TAU).fill_diagonal_(-torch.inf)
    expected = cross_entropy(logits, (torch.arange(24) + 12) % 24)
    # a query is no negative of its key, but the diagonal would be one: 2B - 2 negatives and not 2B - 1
    assert abs(float(score(values, (pair,))[f"contrast_{pair}"] - expected)) <= 1e-6


def test_equal_vectors_cost_the_log_of_the_crowd() -> None:
    one = unit(1, 1, 8).expand(8, 2, 8)
    terms = score({"video": one, "audio": one}, ("va", "vv"))
    assert float(terms["contrast_va"]) == pytest.approx(math.log(8), abs=1e-5)  # 2.07944
    assert float(terms["contrast_vv"]) == pytest.approx(math.log(15), abs=1e-5)


def test_rows_of_the_same_video_are_no_negatives() -> None:
    values = projections(6)
    assert float(score(values, ("va",), video_id=[7] * 6)["contrast_va"]) == 0
    mixed = {name: rows[[0, 1]].repeat(3, 1, 1) for name, rows in values.items()}
    thrice = score(mixed, ("va",), video_id=[0, 1, 0, 1, 0, 1])["contrast_va"]
    once = score({name: rows[:2] for name, rows in mixed.items()}, ("va",))["contrast_va"]
    assert float(once) < float(thrice) < float(once) + math.log(3)  # three negatives, of one video


def test_a_row_without_sound_is_neither_asked_for_nor_found() -> None:
    values = projections(5)
    whole = score({name: rows[:4] for name, rows in values.items()}, ("va", "aa"))
    silent = score(values, ("va", "aa"), audio_present=[True, True, True, True, False])
    torch.testing.assert_close(silent["contrast_aa"], whole["contrast_aa"])
    assert silent["contrast_va"] > whole["contrast_va"]  # its picture is one more to be told apart


def test_the_gradient_is_that_of_finite_differences() -> None:
    values = {name: rows.requires_grad_() for name, rows in projections(3, 4, dtype=torch.float64).items()}

    def loss(video: Tensor, audio: Tensor) -> Tensor:
        terms = score({"video": video, "audio": audio}, ("vv", "va", "aa"))
        return torch.stack(list(terms.values())).sum()

    assert torch.autograd.gradcheck(loss, (values["video"], values["audio"]))


def test_several_positives_have_the_gradient_of_finite_differences() -> None:
    scores, others, crowd = (torch.randn(*shape, dtype=torch.float64) for shape in ((3,), (3, 2), (3, 5)))
    allowed = torch.tensor([[True, True], [True, False], [False, False]])
    alpha = torch.tensor(0.3, dtype=torch.float64)

    def losses(scores: Tensor, others: Tensor, crowd: Tensor) -> Tensor:
        return multi_positive_contrast(
            scores, others, allowed, log_negatives(crowd, exclude_unless(crowd < 1).double()), alpha
        )

    assert torch.autograd.gradcheck(losses, [value.requires_grad_() for value in (scores, others, crowd)])


def test_several_positives_share_the_loss_by_alpha() -> None:
    scores, others = torch.tensor([1.0, 1.0]), torch.tensor([[2.0, 0.0], [3.0, 9.0]])
    crowd = torch.tensor([0.5, 0.5])
    allowed = torch.tensor([[True, True], [True, False]])
    found = multi_positive_contrast(scores, others, allowed, crowd, torch.tensor(0.25))
    c = [math.log1p(math.exp(0.5 - s)) for s in (1.0, 2.0, 0.0, 3.0)]
    expected = [0.75 * c[0] + 0.25 * (c[1] + c[2]) / 2, 0.75 * c[0] + 0.25 * c[3]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_no_negatives_cost_nothing_and_have_a_gradient() -> None:
    scores = torch.randn(2, 3, requires_grad=True)
    loss = contrast(scores[:, 0], log_negatives(scores, torch.full((2, 3), EXCLUDED))).sum()
    loss.backward()
    assert float(loss.detach()) == 0
    assert bool((scores.grad == 0).all())
