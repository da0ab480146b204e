"""What must hold for every masked autoencoder: what is hidden stays hidden, and order does not matter."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.models.masked.decoders import GlobalDecoder
from avtool.models.masked.masking import TokenSplit, masked_tokens
from avtool.models.masked.patch_grid import PatchGrid, take
from avtool.models.masked.reconstruct import reconstruct
from avtool.models.masked.targets import TargetKind, make_targets, undo_targets
from avtool.models.masked.window_block import WindowBlock, cut_windows, join_windows
from avtool.models.registry import create
from avtool.objectives.masked.reconstruction import MaskedReconstruction

torch.set_num_threads(1)
GRIDS = [
    PatchGrid("image", (32, 32), (8, 8)),
    PatchGrid("audio", (64, 32), (16, 16)),
    PatchGrid("video", (4, 32, 48), (2, 16, 16)),
]
MODELS = ["mae_tiny_pretrain", "audio_mae_tiny_pretrain", "video_mae_tiny_pretrain"]
KINDS: list[TargetKind] = ["values", "patch", "channel"]


def build(name: str, **overrides: Any) -> tuple[Any, str, dict[str, Tensor]]:
    torch.manual_seed(0)
    model: Any = create(name, **overrides)
    (modality,) = model.inputs
    grid = model.encoder.grid
    shape = grid.size if modality == "audio" else (3, *grid.size)
    return (
        model,
        modality,
        {modality: torch.randn(3, *shape), f"{modality}_noise": torch.rand(3, grid.num_tokens)},
    )


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.modality)
def test_cutting_and_joining_are_inverse(grid: PatchGrid) -> None:
    clip = torch.randn(2, *(() if grid.modality == "audio" else (3,)), *grid.size)
    patches = grid.cut(clip)
    assert patches.shape == (2, grid.num_tokens, grid.num_values)
    assert torch.equal(grid.join(patches), clip)


def test_a_patch_holds_its_pixels_row_by_row_with_colours_last() -> None:
    image = torch.arange(2 * 3 * 32 * 32, dtype=torch.float32).reshape(2, 3, 32, 32)
    patches = GRIDS[0].cut(image)
    row, column = 2, 1  # token 9 of 4 x 4
    expected = image[1, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].permute(1, 2, 0).flatten()
    assert torch.equal(patches[1, 4 * row + column], expected)


def test_a_tubelet_holds_frame_after_frame() -> None:
    video = torch.randn(1, 3, 4, 32, 48)
    patches = GRIDS[2].cut(video)
    box = video[0, :, 2:4, 16:32, 32:48].permute(1, 2, 3, 0).flatten()
    assert torch.equal(patches[0, 1 * 6 + 1 * 3 + 2], box)


def spoil(clip: Tensor, grid: PatchGrid, places: Tensor) -> Tensor:
    """Clips whose patches at some places (B, M) hold other values."""
    patches = grid.cut(clip)
    index = places[:, :, None].expand(-1, -1, grid.num_values)
    return grid.join(patches.scatter(1, index, 100 * torch.randn(index.shape)))


@pytest.mark.parametrize("name", MODELS)
def test_nothing_hidden_reaches_the_encoder(name: str) -> None:
    model, modality, batch = build(name)
    grid = model.encoder.grid
    split = model.masking.split(batch[f"{modality}_noise"])
    other = {**batch, modality: spoil(batch[modality], grid, split.masked)}
    with torch.no_grad():
        tokens = [model.encoder(grid.cut(given[modality]), split.visible) for given in (batch, other)]
        predictions = [model(**given)[modality].prediction for given in (batch, other)]
    assert torch.equal(*tokens)
    assert torch.equal(*predictions)


@pytest.mark.parametrize("name", MODELS)
def test_the_loss_asks_for_hidden_patches_alone(name: str) -> None:
    """With the predictions held, other values of visible patches leave the loss as it was."""
    model, modality, batch = build(name)
    grid, objective = model.encoder.grid, MaskedReconstruction()
    rebuilt = model(**batch)[modality]
    visible = model.masking.split(batch[f"{modality}_noise"]).visible
    spoilt = take(grid.cut(spoil(batch[modality], grid, visible)), rebuilt.masked)
    assert torch.equal(
        objective.score(rebuilt, grid), objective.score(rebuilt._replace(patches=spoilt), grid)
    )


@pytest.mark.parametrize("name", MODELS)
def test_permuting_the_batch_permutes_the_predictions(name: str) -> None:
    model, modality, batch = build(name)
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        whole = model(**batch)[modality].prediction
        permuted = model(**{key: value[order] for key, value in batch.items()})[modality].prediction
    torch.testing.assert_close(permuted, whole[order], rtol=0, atol=1e-5)


def unshuffled(decoder: GlobalDecoder, tokens: Tensor, split: TokenSplit) -> Tensor:
    """The published way: every token back at its place, the whole table added, then what was hidden."""
    embedded = decoder.embed(tokens)
    length = decoder.pos_embed.shape[1] - 1
    clip = decoder.mask_token.expand(len(tokens), length, -1).clone()
    clip = clip.scatter(1, split.visible[:, :, None].expand_as(embedded[:, 1:]), embedded[:, 1:])
    decoded = torch.cat([embedded[:, :1], clip], dim=1) + decoder.pos_embed
    for block in decoder.blocks:
        decoded = block(decoded)
    return take(decoder.pred(decoder.norm(decoded))[:, 1:], split.masked)


def test_hidden_tokens_behind_the_visible_ones_equal_tokens_in_their_places() -> None:
    model, _, batch = build("mae_tiny_pretrain")
    split = model.masking.split(batch["image_noise"])
    with torch.no_grad():
        tokens = model.encoder.norm(model.encoder(model.encoder.grid.cut(batch["image"]), split.visible))
        expected = unshuffled(model.decoder, tokens, split)
        torch.testing.assert_close(model.decoder(tokens, split), expected, rtol=0, atol=1e-5)


def changed_tokens(block: WindowBlock, row: int, column: int) -> Tensor:
    """(rows, columns) True where the output changes when one token of the input does."""
    tokens = torch.randn(1, *block.grid, 16)
    other = tokens.clone()
    other[0, row, column] += 1
    with torch.no_grad():
        changed: Tensor = (block(tokens) - block(other)).abs().amax(dim=-1)[0] > 0
    return changed


def test_a_token_changes_its_window_alone() -> None:
    torch.manual_seed(0)
    changed = changed_tokens(WindowBlock(16, 2, (16, 8), (4, 4)), row=5, column=6)
    expected = torch.zeros(16, 8, dtype=torch.bool)
    expected[4:8, 4:8] = True
    assert torch.equal(changed, expected)


@pytest.mark.parametrize(("shift", "meets_other_half"), [((2, 2), True), ((2, 0), False)])
def test_only_windows_moved_in_both_directions_join_low_and_high(
    shift: tuple[int, int], meets_other_half: bool
) -> None:
    torch.manual_seed(0)
    changed = changed_tokens(WindowBlock(16, 2, (16, 8), (4, 4), shift), row=7, column=3)
    assert bool(changed[6:10].any())
    assert bool(changed[:, 4:].any()) == meets_other_half


def test_moved_windows_do_not_join_opposite_ends() -> None:
    torch.manual_seed(0)
    changed = changed_tokens(WindowBlock(16, 2, (16, 8), (4, 4), (2, 2)), row=0, column=0)
    expected = torch.zeros(16, 8, dtype=torch.bool)
    expected[:2, :2] = True
    assert torch.equal(changed, expected)


def test_windows_and_their_inverse_pass_the_numerical_check() -> None:
    tokens = torch.randn(1, 4, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.equal(join_windows(cut_windows(tokens, (2, 2)), (4, 4), (2, 2)), tokens)
    assert torch.autograd.gradcheck(lambda given: cut_windows(given, (2, 2)).sin(), tokens)
    block = WindowBlock(2, 1, (4, 4), (2, 2), (1, 1)).double()
    assert torch.autograd.gradcheck(block, tokens)


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_learns_and_the_tables_do_not(name: str) -> None:
    overrides = {"decoder": "window", "num_mel_bins": 128} if name.startswith("audio") else {}
    model, _, batch = build(name, **overrides)
    MaskedReconstruction()(model, batch)["loss"].backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert float(parameter.grad.abs().max()) > 0, key
    assert not any("pos_embed" in key for key, _ in model.named_parameters())
    assert "encoder.pos_embed" in model.state_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_targets_can_be_undone(kind: TargetKind) -> None:
    patches = 3 * torch.randn(2, 5, 192) + 1
    targets = make_targets(patches, kind, channels=3)
    torch.testing.assert_close(undo_targets(targets, patches, kind, 3), patches, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["patch", "channel"])
def test_predicting_nothing_costs_the_trivial_loss(kind: TargetKind) -> None:
    """The variance has one degree of freedom less than values: 191/192 for a patch, 63/64 for a colour."""
    targets = make_targets(torch.randn(50, 20, 192), kind, channels=3)
    trivial = {"patch": 191 / 192, "channel": 63 / 64}[kind]
    assert float(targets.square().mean()) == pytest.approx(trivial, rel=1e-4)


def test_flat_patches_do_no_harm() -> None:
    for kind in KINDS:
        assert bool(make_targets(torch.full((1, 2, 192), 3.0), kind, 3).isfinite().all())


def test_a_picture_keeps_what_was_seen_and_fills_in_what_was_not() -> None:
    model, modality, batch = build("mae_tiny_pretrain")
    model.eval()
    rebuilt = model(**batch)[modality]
    true = rebuilt._replace(prediction=make_targets(rebuilt.patches, "patch", 3))
    grid = model.encoder.grid
    picture = reconstruct(grid, batch[modality], true, "patch")
    torch.testing.assert_close(picture.reconstructed, batch[modality], rtol=1e-4, atol=1e-4)
    mask = masked_tokens(model.masking.split(batch["image_noise"]))
    seen, shown = grid.cut(batch[modality]), grid.cut(picture.masked)
    assert torch.equal(shown[~mask], seen[~mask])
    assert float(shown[mask].reshape(3, -1).std(dim=1).max()) < 1e-6
