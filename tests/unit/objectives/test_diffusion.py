"""The objective of diffusion: known noise, means over a batch, and that next clips are learned."""

import pytest
import torch

from avtool.inference.generation.sampling import ddim_sample, guided
from avtool.models.pvdm.schedule import NoiseSchedule
from avtool.models.registry import create
from avtool.objectives.diffusion import NoisePrediction

torch.set_num_threads(1)


class Known(torch.nn.Module):
    """Predicts the noise of latents that are known."""

    def __init__(self, latents: torch.Tensor) -> None:
        super().__init__()
        self.latents, self.times = latents, []

    def forward(self, noisy: torch.Tensor, times: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        self.times += times.tolist()
        share = NoiseSchedule().signal[times].reshape(-1, 1, 1)
        return ((noisy - share.sqrt() * self.latents) / (1 - share).sqrt()).float()


def batch_of(count: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    latents = torch.rand(count, 4, 20, generator=generator) * 2 - 1
    return {
        "latents": latents,
        "latents_condition": torch.zeros_like(latents),
        "noise": torch.randn(latents.shape, generator=generator),
        "timestep": torch.randint(1000, (count,), generator=generator),
    }


def test_the_noise_is_known_where_the_latents_are() -> None:
    batch = batch_of(500)
    model = Known(batch["latents"])
    assert float(NoisePrediction()(model, batch)["loss"]) < 1e-6
    assert model.times == batch["timestep"].tolist()

    def nothing(noisy: torch.Tensor, times: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(noisy)

    assert float(NoisePrediction()(nothing, batch)["loss"]) == pytest.approx(1, abs=0.03)


def test_the_loss_of_a_batch_is_the_mean_of_its_halves() -> None:
    batch, objective = batch_of(6), NoisePrediction()
    torch.manual_seed(0)
    model = create("pvdm_unet_tiny", frames=2, rows=2, columns=4)
    torch.nn.init.normal_(model.conv_out.weight, std=0.1)
    whole = float(objective(model, batch)["loss"].detach())
    halves = [{name: value[part] for name, value in batch.items()} for part in (slice(3), slice(3, 6))]
    parts = [float(objective(model, half)["loss"].detach()) for half in halves]
    assert sum(parts) / 2 == pytest.approx(whole, rel=1e-5)


@pytest.mark.slow
def test_next_clips_are_learned_by_their_conditions() -> None:
    """Two pairs: sampling gives each condition's own latents, and no condition neither of them surely."""
    torch.manual_seed(0)
    model = create("pvdm_unet_tiny", frames=4, rows=4, columns=4)
    generator = torch.Generator().manual_seed(5)
    conditions, latents = (torch.rand(2, 4, 48, generator=generator) * 1.6 - 0.8 for _ in range(2))
    objective = NoisePrediction()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(600):
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, (step + 1) / 20, (600 - step) / 300)
        rows = torch.arange(2).repeat(8)
        batch = {"latents": latents[rows], "latents_condition": conditions[rows]}
        batch |= {"noise": torch.randn(16, 4, 48), "timestep": torch.randint(1000, (16,))}
        optimizer.zero_grad()
        loss = objective(model, batch)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    seeds = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    noise = torch.stack([torch.randn(4, 48, generator=seed) for seed in seeds])
    with torch.no_grad():
        drawn = ddim_sample(guided(model, conditions), noise, seeds, steps=50)
    own, other = (drawn - latents).abs().mean(), (drawn - latents.flip(0)).abs().mean()
    assert own < 0.1 < other / 3, (float(own), float(other))
