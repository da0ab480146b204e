"""The losses of masked models: closed forms, gradients, messages, and what is logged."""

import math

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.masked.autoencoder import MaskedPrediction
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.masked.targets import TargetKind
from avtool.models.registry import create
from avtool.objectives.masked.contrast import info_nce, pair_contrast
from avtool.objectives.masked.mavil import ContrastWeights, MAViLStage1, feature_error
from avtool.objectives.masked.reconstruction import MaskedReconstruction

torch.set_num_threads(1)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_a_collapse_costs_the_logarithm_of_the_batch(temperature: float) -> None:
    rows = torch.randn(1, 16).expand(8, -1)
    assert float(info_nce(rows, rows, temperature)) == pytest.approx(math.log(8), abs=1e-5)


@pytest.mark.parametrize(
    ("batch_size", "temperature", "expected"),
    [(8, 0.1, 3.1775e-4), (8, 1.0, 1.27401), (4, 0.1, 1.3619e-4), (4, 1.0, 0.74367)],
)
def test_orthogonal_pairs_cost_what_the_others_weigh(
    batch_size: int, temperature: float, expected: float
) -> None:
    """ln(1 + (B - 1) e^(-1 / τ)); scores of 10 are 1e-6 apart in single precision."""
    assert math.log(1 + (batch_size - 1) * math.exp(-1 / temperature)) == pytest.approx(expected, rel=1e-4)
    rows = 3 * torch.eye(batch_size, 16)
    assert float(info_nce(rows, rows, temperature)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_best_of_all_is_a_simplex() -> None:
    simplex = torch.eye(8) - 1 / 8
    floor = math.log(1 + 7 * math.exp(-8 / 7))
    assert float(info_nce(simplex, simplex, 1.0)) == pytest.approx(floor, abs=1e-5)
    assert floor == pytest.approx(1.17, abs=0.01)


@pytest.mark.parametrize(("temperature", "expected", "margin"), [(1.0, 6.24, 0.02), (0.1, 6.32, 0.03)])
def test_unrelated_pairs_cost_little_more_than_a_collapse(
    temperature: float, expected: float, margin: float
) -> None:
    torch.manual_seed(0)
    value = float(info_nce(torch.randn(512, 768), torch.randn(512, 768), temperature))
    assert value == pytest.approx(expected, abs=margin)


def test_length_does_not_count_and_pairs_are_scored_both_ways() -> None:
    torch.manual_seed(0)
    audio, video = torch.randn(5, 7), torch.randn(5, 7)
    torch.testing.assert_close(info_nce(audio, video, 0.1), info_nce(9 * audio, video / 4, 0.1))
    both = (info_nce(audio, video, 0.1) + info_nce(video, audio, 0.1)) / 2
    torch.testing.assert_close(pair_contrast(audio, video, 0.1), both)


def test_half_precision_does_not_blur_the_scores() -> None:
    torch.manual_seed(0)
    audio, video = torch.randn(16, 64), torch.randn(16, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = info_nce(audio, video, 0.01)
    torch.testing.assert_close(half, info_nce(audio, video, 0.01), rtol=0, atol=0)


def test_one_clip_is_refused() -> None:
    with pytest.raises(
        BadInputError, match="needs at least 2 clips in a batch: with one its loss is always 0"
    ):
        info_nce(torch.randn(1, 4), torch.randn(1, 4), 1.0)


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))


def test_the_losses_pass_the_numerical_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """In double precision, which the losses would round to single."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    query, key = double(4, 3).requires_grad_(), double(4, 3).flip(0).requires_grad_()
    assert torch.autograd.gradcheck(lambda one, two: info_nce(one, two, 0.5), (query, key))
    grid = PatchGrid("audio", (32, 32), (16, 16))
    patches, hidden = double(2, 3, 256), torch.tensor([[0, 2, 3], [1, 2, 3]])
    prediction = double(2, 3, 256)[:, :, :6].requires_grad_()

    def rebuild(values: Tensor) -> Tensor:
        whole = torch.cat([values, patches[:, :, 6:]], dim=2)
        return MaskedReconstruction().score(MaskedPrediction(whole, patches, hidden), grid)

    assert torch.autograd.gradcheck(rebuild, prediction)
    features = double(2, 3, 5).requires_grad_()
    taught = double(2, 4, 5)
    assert torch.autograd.gradcheck(
        lambda values: feature_error(MaskedPrediction(values, patches, hidden), taught), features
    )


def test_the_weights_of_the_parts() -> None:
    torch.manual_seed(0)
    model = create("mavil_tiny_pretrain")
    generator = torch.Generator().manual_seed(0)
    batch = {
        "audio": torch.randn(3, 128, 32, generator=generator),
        "video": torch.randn(3, 3, 4, 32, 32, generator=generator),
    }
    for view in ("", "2"):
        batch[f"audio_noise{view}"] = torch.rand(3, 16, generator=generator)
        batch[f"video_noise{view}"] = torch.rand(3, 8, generator=generator)
    scores = MAViLStage1(ContrastWeights(alpha=0.5, beta=0.25))(model, batch)
    assert scores.keys() == {"loss", "loss_audio", "loss_video", "loss_inter", "loss_intra"}
    parts = {name: value.item() for name, value in scores.items()}
    expected = parts["loss_audio"] + parts["loss_video"] + parts["loss_inter"] / 2 + parts["loss_intra"] / 4
    assert parts["loss"] == pytest.approx(expected, rel=1e-6)
    assert [name for name, value in scores.items() if value.requires_grad] == ["loss"]
    assert ContrastWeights() == ContrastWeights(0.1, 0.01, 0.1, 1.0)


@pytest.mark.parametrize("target", ["values", "patch", "channel"])
def test_a_perfect_prediction_costs_nothing(target: TargetKind) -> None:
    from avtool.models.masked.targets import make_targets

    grid = PatchGrid("video", (2, 16, 16), (2, 16, 16))
    patches = torch.randn(2, 1, grid.num_values)
    pixels = patches / 2 + 0.5 if target == "channel" else patches
    rebuilt = MaskedPrediction(make_targets(pixels, target, 3), patches, torch.zeros(2, 1, dtype=torch.int64))
    assert float(MaskedReconstruction(target).score(rebuilt, grid)) == pytest.approx(0, abs=1e-10)


def test_targets_of_colours_do_not_depend_on_how_they_were_centred() -> None:
    grid = PatchGrid("video", (2, 16, 16), (2, 16, 16))
    pixels = torch.rand(2, 1, grid.num_values)
    prediction, hidden = torch.randn(2, 1, grid.num_values), torch.zeros(2, 1, dtype=torch.int64)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    imagenet = ((pixels.reshape(2, 1, -1, 3) - torch.tensor(mean)) / torch.tensor(std)).flatten(-2)
    ours = MaskedReconstruction("channel").score(MaskedPrediction(prediction, 2 * pixels - 1, hidden), grid)
    theirs = MaskedReconstruction("channel", mean, std).score(
        MaskedPrediction(prediction, imagenet, hidden), grid
    )
    torch.testing.assert_close(ours, theirs)
