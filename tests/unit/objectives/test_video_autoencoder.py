"""The objectives of PVDM's autoencoder: closed forms, gradients of each phase, and that it learns."""

import pytest
import torch

from avtool.models.pvdm.discriminators import PatchDiscriminator
from avtool.models.registry import create
from avtool.objectives.video_autoencoder import (
    DISCRIMINATOR,
    GENERATOR,
    AdversarialReconstruction,
    AutoencoderReconstruction,
    AutoencoderWeights,
    MultiScaleDistance,
    hinge,
    pick_frames,
)

torch.set_num_threads(1)


def clips(count: int = 2, frames: int = 4, side: int = 32) -> torch.Tensor:
    """Smooth random fields that move."""
    generator = torch.Generator().manual_seed(3)
    fields = torch.rand(count, 3, 5, 5, generator=generator) * 2 - 1
    large = torch.nn.functional.interpolate(fields, (2 * side, 2 * side), mode="bicubic").clamp(-1, 1)
    return torch.stack(
        [large[:, :, k * 3 : k * 3 + side, k * 2 : k * 2 + side] for k in range(frames)], dim=2
    )


def batch_of(video: torch.Tensor) -> dict[str, torch.Tensor]:
    """Clips, each with the frame that is looked at."""
    return {"video": video, "frame": torch.arange(len(video)) % video.shape[2]}


def networks() -> tuple[torch.nn.Module, AdversarialReconstruction]:
    torch.manual_seed(0)
    model = create("pvdm_autoencoder_tiny", frames=4, height=32, width=32)
    return model, AdversarialReconstruction(AutoencoderWeights(), MultiScaleDistance(), (8, 16))


@pytest.mark.parametrize(("dims", "parameters"), [(2, 2_766_529), (3, 11_057_857)])
def test_discriminators_have_the_published_size(dims: int, parameters: int) -> None:
    network = PatchDiscriminator(dims)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert round(parameters / 1e6, 2) == {2: 2.77, 3: 11.06}[dims]
    outputs = network(torch.randn(2, 3, *(16, 64, 64)[3 - dims :]))
    assert len(outputs) == 5
    assert [output.shape[1] for output in outputs] == [64, 128, 256, 512, 1]


def test_the_hinge_loss_in_closed_form() -> None:
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-2.0, 0.0, 3.0])
    assert float(hinge(real, fake)) == pytest.approx((0 + 0.5 + 2) / 6 + (0 + 1 + 4) / 6)


def test_the_distance_in_the_place_of_lpips() -> None:
    frames = torch.rand(2, 3, 16, 24)
    distance = MultiScaleDistance()
    assert float(distance(frames, frames)) == 0
    other = torch.rand(2, 3, 16, 24)
    assert float(distance(frames, other)) == pytest.approx(float(distance(other, frames)))
    assert float(distance(frames, frames + 0.3)) == pytest.approx(0.1, rel=1e-5)  # 3 of 9 terms, no gradient
    blurred = frames.mean(dim=(2, 3), keepdim=True).expand_as(frames)
    assert distance(frames, blurred) > distance(frames, frames + 0.3)
    assert float(distance(frames[..., :1, :1], frames[..., :1, :1] + 1)) == pytest.approx(1)


def test_a_frame_of_each_clip_is_picked() -> None:
    video = torch.arange(24.0).reshape(2, 3, 4, 1, 1)
    picked = pick_frames(video, torch.tensor([1, 3]))
    assert picked.flatten().tolist() == [1, 5, 9, 15, 19, 23]


def test_terms_are_weighted_and_summed() -> None:
    model, _ = networks()
    objective = AutoencoderReconstruction(AutoencoderWeights(pixel=2, perceptual=5), MultiScaleDistance())
    video = clips()
    with torch.no_grad():
        terms, restored = objective(model, batch_of(video)), model(video)
    pixel = (restored - video).abs().mean()
    looked_at = [torch.stack([clip[0, :, 0], clip[1, :, 1]]) for clip in (video, restored)]
    perceptual = MultiScaleDistance()(*looked_at)
    assert float(terms["pixel"]) == pytest.approx(float(pixel), rel=1e-5)
    assert float(terms["loss"]) == pytest.approx(float(2 * pixel + 5 * perceptual), rel=1e-5)


def test_phases_move_one_side_each() -> None:
    model, objective = networks()
    batch = batch_of(clips())
    objective(model, batch, phase=DISCRIMINATOR)["loss"].backward()
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.grad.any() for parameter in objective.of_clips.layers[0].parameters())
    for parameter in objective.parameters():
        parameter.grad = None
        parameter.requires_grad_(False)  # as the loop does for optimisers that do not move
    terms = objective(model, batch, phase=GENERATOR)
    terms["loss"].backward()
    assert set(terms) == {"loss", "pixel", "perceptual", "adversarial", "feature"}
    assert all(parameter.grad is None for parameter in objective.parameters())
    assert sum(bool(parameter.grad.any()) for parameter in model.parameters()) > 0.9 * len(
        list(model.parameters())
    )


def test_no_gradient_of_feature_matching_reaches_the_real_side() -> None:
    video = clips().requires_grad_()

    class Constant(torch.nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(given, requires_grad=True) + 0 * given.detach()

    weights = AutoencoderWeights(pixel=0, perceptual=0, adversarial=0, feature=1)
    matching = AdversarialReconstruction(weights, MultiScaleDistance(), (8, 16))
    terms = matching(Constant(), batch_of(video), phase=GENERATOR)
    (gradient,) = torch.autograd.grad(terms["loss"], video, allow_unused=True)
    assert terms["feature"] > 0
    assert gradient is None or not gradient.any()


@pytest.mark.slow
def test_it_learns_two_clips_beyond_their_mean_colours() -> None:
    model, _ = networks()
    video, objective = clips(), AutoencoderReconstruction(AutoencoderWeights(), MultiScaleDistance())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.5, 0.9))

    def psnr(restored: torch.Tensor) -> float:
        return float((-10 * ((restored - video) ** 2 / 4).flatten(1).mean(1).log10()).mean())

    for step in range(400):
        optimizer.param_groups[0]["lr"] = 3e-3 * min(1, (step + 1) / 20, (400 - step) / 200)
        optimizer.zero_grad()
        frames = torch.randint(video.shape[2], (len(video),))
        objective(model, {"video": video, "frame": frames})["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    floor = psnr(video.mean(dim=(2, 3, 4), keepdim=True).expand_as(video))
    with torch.no_grad():
        reached = psnr(model(video))
    assert reached > 25 > floor + 8, (reached, floor)
