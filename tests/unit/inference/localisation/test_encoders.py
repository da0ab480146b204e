"""Encoders of frames: CLIP with its text tower, timm's ViT, encoders without a grid, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError, MissingError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.foreground import foreground_of, robust_z
from avtool.inference.localisation.frame_encoder import FrameEncoder
from avtool.inference.localisation.index_writer import write_index
from avtool.inference.localisation.queries import frame_query, label_query, text_query
from avtool.inference.localisation.query_encoders import QueryEncoders
from avtool.inference.localisation.recipes import SimilarityRecipe
from avtool.inference.localisation.similarity import SimilarityEngine
from tests.harness import save_encoder

transformers = pytest.importorskip("transformers")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A tiny CLIP with its processor: images of 32 pixels, patches of 8."""
    from tests.clip_models import write_clip

    folder = write_clip(tmp_path / "clip", patch_size=8, projection_dim=32)
    sides = {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}
    transformers.CLIPImageProcessor(**sides).save_pretrained(folder)
    return folder


def images(count: int = 2, height: int = 32, width: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


def test_clip_sees_whole_frames_and_gives_its_own_features(clip: Path) -> None:
    encoder = FrameEncoder(clip, RuntimeRecipe(precision="fp32"), Silent(), size=64, grid=7)
    assert encoder.read_size(96, 64) == (32, 32)
    found = encoder.encode(images())
    assert found.grid == (4, 4)
    assert found.tokens.shape[:2] == (2, 16)
    whole = transformers.CLIPModel.from_pretrained(clip).eval()
    processor = transformers.CLIPImageProcessor.from_pretrained(clip)
    pixels = processor(list(images()), do_resize=False, do_center_crop=False, return_tensors="pt")
    with torch.no_grad():
        wanted = whole.get_image_features(**pixels)
        states = whole.vision_model(**pixels).last_hidden_state[:, 1:]
    wanted = getattr(wanted, "pooler_output", wanted)
    assert found.pooled == pytest.approx(wanted.numpy(), abs=1e-5)
    assert found.tokens == pytest.approx(states.numpy(), abs=1e-5)


def test_a_grid_is_pooled_to_the_setting(clip: Path) -> None:
    fine, coarse = (
        FrameEncoder(clip, RuntimeRecipe(precision="fp32"), Silent(), size=64, grid=grid).encode(images())
        for grid in (4, 2)
    )
    assert coarse.grid == (2, 2)
    cells = fine.tokens.reshape(2, 4, 4, -1)
    wanted = cells.reshape(2, 2, 2, 2, 2, -1).mean(axis=(2, 4)).reshape(2, 4, -1)
    assert coarse.tokens == pytest.approx(wanted, abs=1e-5)


def test_a_sentence_by_the_text_tower(clip: Path, film: Path, tmp_path: Path, cache: Path) -> None:
    recipe = IndexRecipe(fps=4, size=64, visual_encoder=str(clip), audio_encoder="none")
    index = write_index(film, tmp_path / "idx", recipe, Silent())
    assert index.audio is None
    engine = SimilarityEngine(QueryEncoders(index.card, None, RuntimeRecipe(), Silent()), SimilarityRecipe())
    whole = transformers.CLIPModel.from_pretrained(clip).eval()
    words = transformers.AutoTokenizer.from_pretrained(clip)(["red square"], return_tensors="pt")
    with torch.no_grad():
        text = whole.get_text_features(**words)
    text = torch.nn.functional.normalize(getattr(text, "pooler_output", text), dim=-1)[0].numpy()
    assert index.visual_pooled is not None
    features = np.asarray(index.visual_pooled, np.float32)
    cosines = features @ text / np.linalg.norm(features, axis=1)
    wanted = foreground_of(robust_z(cosines), 3.0)
    for query in (text_query("red square"), label_query("red square")):
        assert engine.scores(index, query).foreground == pytest.approx(wanted, abs=1e-3)


def test_an_encoder_without_a_grid_has_one_token(film: Path, tmp_path: Path, cache: Path) -> None:
    images_encoder = save_encoder(tmp_path / "mae", "mae_tiny_pretrain")
    recipe = IndexRecipe(fps=4, visual_encoder=str(images_encoder), audio_encoder="none")
    index = write_index(film, tmp_path / "idx", recipe, Silent())
    assert index.grid == (1, 1)
    engine = SimilarityEngine(QueryEncoders(index.card, None, RuntimeRecipe(), Silent()), SimilarityRecipe())
    scores = engine.scores(index, frame_query(film, 0.75, (0, 0, 96, 64)))
    assert scores.boxes is not None
    assert scores.boxes.tolist() == [[0.5, 0.5, 1, 1]] * 12


def test_encoders_of_another_modality(tmp_path: Path) -> None:
    sounds = save_encoder(tmp_path / "sounds")
    with pytest.raises(BadInputError, match="takes audio, no images") as caught:
        FrameEncoder(sounds, RuntimeRecipe(), Silent(), size=64, grid=7)
    assert "--visual-encoder" in caught.value.hint
    mae = save_encoder(tmp_path / "mae", "mae_tiny_pretrain")
    with pytest.raises(BadInputError, match="takes image, no audio"):
        Encoders(IndexRecipe(audio_encoder=str(mae)), Silent()).audio()


def test_defaults_that_are_not_on_this_machine(cache: Path) -> None:
    encoders = Encoders(IndexRecipe(), Silent())
    with pytest.raises(MissingError, match="no visual encoder is given") as caught:
        _ = encoders.visual_path
    assert "avtool models fetch efficientnet-lite0 (17.4 MB; licence: Apache-2.0)" in caught.value.hint
    assert Encoders(IndexRecipe(visual_encoder="none"), Silent()).visual_path is None
