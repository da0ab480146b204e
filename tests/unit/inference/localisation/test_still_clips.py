"""Encoders of video as encoders of frames."""

import numpy as np
import pytest

from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.frame_encoder import FrameEncoder
from tests.harness import save_encoder

NAME = "mavil_tiny_pretrain"
CPU = RuntimeRecipe(device="cpu", precision="fp32")


def images(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def test_a_masked_model_of_video_gives_its_grid_of_patches(tmp_path):
    encoder = FrameEncoder(save_encoder(tmp_path / "mavil", NAME), CPU, Silent(), size=64, grid=16)
    side, _ = encoder.read_size(128, 96)
    given = images(3, side)
    found = encoder.encode(given)
    rows, columns = found.grid
    assert rows == columns > 1
    assert found.tokens.shape == (3, rows * columns, found.pooled.shape[1])
    alone = encoder.encode(given[1:2])
    assert alone.tokens == pytest.approx(found.tokens[1:2], abs=1e-5)


def test_patches_are_where_the_image_has_them(tmp_path):
    encoder = FrameEncoder(save_encoder(tmp_path / "mavil", NAME), CPU, Silent(), size=64, grid=16)
    side, _ = encoder.read_size(128, 96)
    plain = np.full((1, side, side, 3), 90, np.uint8)
    marked = plain.copy()
    rows, columns = encoder.encode(plain).grid
    marked[0, -side // rows :, : side // columns] = (250, 20, 20)  # the lowest patch on the left
    change = np.abs(encoder.encode(marked).tokens - encoder.encode(plain).tokens)[0].sum(axis=1)
    assert int(change.argmax()) == (rows - 1) * columns
