"""Photographs, films and recordings as processors of transformers take them, and embedded by a command."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from avtool.cli.main import run
from avtool.data.inputs.spec import read_inputs
from avtool.data.items import Item
from avtool.models.foreign import locate
from avtool.models.load import load_model
from tests.parity.test_transformers_encoder import PE_FRAMES, PERCEPTION, made

transformers = pytest.importorskip("transformers")
SMALL = {"hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}


@pytest.fixture
def image_folder(tmp_path: Path, cache: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.Dinov2Config(**SMALL, image_size=28, patch_size=14)
    transformers.Dinov2Model(config).save_pretrained(tmp_path / "dinov2")
    transformers.BitImageProcessor().save_pretrained(tmp_path / "dinov2")
    return tmp_path / "dinov2"


@pytest.fixture
def audio_folder(tmp_path: Path, cache: Path) -> Path:
    torch.manual_seed(0)
    transformers.ASTModel(transformers.ASTConfig(**SMALL)).save_pretrained(tmp_path / "ast")
    transformers.ASTFeatureExtractor().save_pretrained(tmp_path / "ast")
    return tmp_path / "ast"


def saved(name: str, folder: Path) -> Path:
    """A tiny network of random weights, with its processor."""
    for part in made(name, true=False):
        part.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["clip", "siglip", "dinov2"])
def test_photographs_are_preprocessed_by_the_library(
    test_data: Path, tmp_path: Path, cache: Path, name: str
) -> None:
    folder = saved(name, tmp_path / name)
    given = read_inputs(locate(folder), load_model(folder).preprocess)["image"]
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    for path in sorted((test_data / "images" / "clothing" / "validation").rglob("*.jpg"))[::40]:
        with Image.open(path) as image:
            wanted = processor(images=image.convert("RGB"), return_tensors="pt")["pixel_values"][0]
        (_, window), *_ = given.windows(Item(str(path), path), 1.0)
        assert torch.equal(window, wanted)


@pytest.mark.parametrize("name", ["ast", "clap", "whisper", *PERCEPTION])
def test_recordings_are_preprocessed_by_the_library(
    test_data: Path, tmp_path: Path, cache: Path, name: str
) -> None:
    folder = saved(name, tmp_path / name)
    given = read_inputs(locate(folder), load_model(folder).preprocess)["audio"]
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    rate = extractor.sampling_rate
    for path in sorted((test_data / "esc10" / "audio").iterdir())[::90]:
        (_, waveform), *_ = given.windows(Item(str(path), path), 10.0)
        assert 5 * rate <= len(waveform) < 5.01 * rate
        ours = given.batch([waveform], torch.device("cpu"))["audio"]
        found = extractor([waveform], sampling_rate=rate, return_tensors="np")
        wanted = found["input_features" if "input_features" in found else "input_values"]
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("sampled", [6, None], ids=["six frames", "all frames"])
def test_films_are_preprocessed_by_the_library(
    test_data: Path, tmp_path: Path, cache: Path, sampled: int | None
) -> None:
    """What the library makes of the frames of a whole film, which it is given decoded."""
    film = test_data / "video" / "his_girl_friday_6s.mp4"
    model, _ = made("pe_video", true=False)
    processor = transformers.PeVideoVideoProcessor(
        **{**PE_FRAMES, "do_sample_frames": sampled is not None, "num_frames": sampled}
    )
    for part in (model, processor):
        part.save_pretrained(tmp_path / "pe")
    given = read_inputs(locate(tmp_path / "pe"), load_model(tmp_path / "pe").preprocess)["video"]
    ((_, ours), *more) = given.windows(Item(str(film), film), 10.0)
    assert not more
    with av.open(str(film)) as container:
        (stream,) = container.streams.video
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
        rate = float(stream.average_rate)
    about = {"total_num_frames": len(frames), "fps": rate, "frames_indices": list(range(len(frames)))}
    wanted = processor(videos=[frames], video_metadata=[about], return_tensors="pt")["pixel_values_videos"][0]
    assert len(wanted) == (sampled or len(frames))
    torch.testing.assert_close(ours.transpose(0, 1), wanted, atol=0, rtol=0)


def test_a_film_is_embedded_frame_by_frame(
    test_data: Path, image_folder, audio_folder, tmp_path, capsys
) -> None:
    film = test_data / "video" / "his_girl_friday_6s.mp4"
    for folder, rows in ((image_folder, 6), (audio_folder, 1)):
        command = [
            "embed",
            str(film),
            "--encoder",
            str(folder),
            "--out",
            str(tmp_path / f"{folder.name}.parquet"),
        ]
        assert run([*command, "--device", "cpu", "--json", "-q"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["width"] == 32
        assert abs(found["rows"] - rows) <= 1
