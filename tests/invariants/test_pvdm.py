"""What must not pass in PVDM's networks, by symmetry and by gradients."""

from typing import Any

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.pvdm.planes import PlaneGrid, join
from avtool.models.registry import create

UNETS = (
    {},
    {"frames": 4, "rows": 6, "columns": 10},
    {"frames": 5, "rows": 7, "columns": 3, "multipliers": (1, 1, 2)},
    {"conditional": False, "plane_embed": True},
)


AUTOENCODERS = ({}, {"frames": 3, "height": 24, "width": 40}, {"patch": 4, "height": 16})


def randomised(name: str, **overrides: Any) -> Any:
    """A network whose zeros are drawn too."""
    torch.manual_seed(0)
    model = create(name, **overrides)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def noisy(model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 4, model.grid.length, generator=generator), torch.tensor([3, 800])


def test_planes_go_back_into_latents() -> None:
    grid = PlaneGrid(2, 3, 5)
    latents = torch.arange(2 * grid.length).reshape(1, 2, -1)
    assert grid.shapes == ((3, 5), (2, 5), (2, 3))
    assert grid.length == 15 + 10 + 6
    assert torch.equal(join(grid.split(latents)), latents)
    assert grid.split(latents)[1][0, 0, 0, 0] == 15


@torch.no_grad()
def test_no_condition_is_a_condition_of_zeros() -> None:
    model = randomised("pvdm_unet_tiny")
    latents, times = noisy(model)
    zeros = torch.zeros_like(latents)
    assert torch.equal(model(latents, times), model(latents, times, zeros))
    assert not torch.allclose(model(latents, times), model(latents, times, zeros + 0.1), atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("plane_embed", [False, True])
def test_planes_of_time_are_alike_without_an_embedding(plane_embed: bool) -> None:
    model = randomised("pvdm_unet_tiny", plane_embed=plane_embed)
    latents, times = noisy(model)
    xy, yt, xt = model.grid.split(latents)
    swapped = model(join([xy, xt, yt]), times)
    first, second, third = model.grid.split(model(latents, times))
    expected = join([first, third, second])
    assert torch.allclose(swapped, expected, atol=1e-5, rtol=0) != plane_embed


@torch.no_grad()
@pytest.mark.parametrize("plane_embed", [False, True])
def test_all_three_planes_are_alike_where_they_have_one_shape(plane_embed: bool) -> None:
    model = randomised("pvdm_unet_tiny", frames=4, rows=4, columns=4, plane_embed=plane_embed)
    latents, times = noisy(model)
    planes, made = model.grid.split(latents), model.grid.split(model(latents, times))
    turned = model(join([planes[number] for number in (2, 0, 1)]), times)
    expected = join([made[number] for number in (2, 0, 1)])
    assert torch.allclose(turned, expected, atol=1e-5, rtol=0) != plane_embed


@torch.no_grad()
def test_planes_meet_in_attention_across_them_alone() -> None:
    model = randomised("pvdm_unet_tiny")
    latents, times = noisy(model)
    changed = latents.clone()
    changed[:, :, : model.grid.rows * model.grid.columns] += 1
    rest = slice(model.grid.rows * model.grid.columns, None)
    assert not torch.allclose(model(latents, times)[..., rest], model(changed, times)[..., rest], atol=1e-3)
    for name, module in model.named_modules():
        if name.endswith("cross"):
            torch.nn.init.zeros_(module.proj.weight)
            torch.nn.init.zeros_(module.proj.bias)
    assert torch.equal(model(latents, times)[..., rest], model(changed, times)[..., rest])


@torch.no_grad()
def test_an_untrained_unet_predicts_no_noise() -> None:
    model = create("pvdm_unet_tiny").eval()
    assert not model(*noisy(model)).any()


@torch.no_grad()
def test_samples_do_not_meet_in_a_batch() -> None:
    model = randomised("pvdm_unet_tiny")
    latents, times = noisy(model)
    alone = torch.cat([model(latents[i : i + 1], times[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(model(latents, times), alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("settings", UNETS)
def test_every_parameter_of_a_unet_has_a_gradient(settings: dict[str, Any]) -> None:
    model = randomised("pvdm_unet_tiny", **settings)
    latents, times = noisy(model)
    output = model(latents, times, latents.flip(0) if model.settings.conditional else None)
    assert output.shape == latents.shape
    output.square().mean().backward()
    silent = [name for name, parameter in model.named_parameters() if not parameter.grad.any()]
    assert not silent


@pytest.mark.parametrize(
    "settings", [{}, {"frames": 3, "height": 24, "width": 40}, {"patch": 4, "height": 16}]
)
@pytest.mark.parametrize("readout", ["first", "token"])
def test_every_parameter_of_the_autoencoder_has_a_gradient(settings: dict[str, Any], readout: str) -> None:
    model = randomised("pvdm_autoencoder_tiny", readout=readout, **settings)
    wanted = model.settings
    video = torch.rand(2, 3, wanted.frames, wanted.height, wanted.width) * 2 - 1
    latents = model.encode(video)
    assert latents.shape == (2, 4, model.grid.length)
    assert latents.abs().max() < 1
    restored = model.decode(latents)
    assert restored.shape == video.shape
    assert restored.abs().max() < 1
    restored.square().mean().backward()
    silent = [name for name, parameter in model.named_parameters() if not parameter.grad.any()]
    assert not silent


@torch.no_grad()
def test_a_plane_is_read_along_its_axis_alone() -> None:
    """Without the decoder's attention, a value of a plane reaches the patches of its line alone."""
    model = randomised("pvdm_autoencoder_tiny", depth=1)
    for block in model.decoder.blocks:
        for attention in (block.time_attn, block.space_attn):
            torch.nn.init.zeros_(attention.proj.weight)
            torch.nn.init.zeros_(attention.proj.bias)
    grid, patch = model.grid, model.settings.patch
    latents = torch.rand(1, 4, grid.length) * 2 - 1
    areas = {0: (slice(None), 2, 3), 1: (2, slice(None), 3), 2: (2, 3, slice(None))}
    for number, (frame, row, column) in areas.items():
        planes = [plane.clone() for plane in grid.split(latents)]
        planes[number][0, :, 2, 3] += 0.5
        moved = (model.decode(join(planes)) - model.decode(latents)).abs().amax(1)[0] > 0
        boxes = moved.reshape(grid.frames, grid.rows, patch, grid.columns, patch).amax((2, 4))
        expected = torch.zeros_like(boxes)
        expected[frame, row, column] = True
        assert torch.equal(boxes, expected)


@torch.no_grad()
def test_recomputed_activations_change_nothing() -> None:
    for name in ("pvdm_unet_tiny", "pvdm_autoencoder_tiny"):
        plain, saving = randomised(name), randomised(name, recompute=True)
        for inputs in ([*noisy(plain)] if "unet" in name else [torch.rand(1, 3, 8, 64, 64)],):
            gradients = []
            for model in (plain, saving):
                with torch.enable_grad():
                    model(*inputs).square().mean().backward()
                gradients.append([parameter.grad for parameter in model.parameters()])
            assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("pvdm_autoencoder", {"height": 100}, "patches of 8 do not fit height = 100"),
        ("pvdm_autoencoder", {"frames": 0}, "at least 1"),
        ("pvdm_autoencoder", {"head_dim": 6}, "no multiple of 4"),
        ("pvdm_unet_s", {"channels": 100}, "no multiple of 32"),
        ("pvdm_unet_s", {"heads": 7}, "7 heads do not divide"),
        ("pvdm_unet_s", {"multipliers": ()}, "multipliers"),
    ],
)
def test_settings_that_fit_no_network_are_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        create(name, **settings)
