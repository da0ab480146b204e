"""What a model is given is a setting, and clips that lack it are left out."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder, Silent
from avtool.data.manifest import Clip, Manifest, read_manifest, write_manifest
from avtool.tasks.classification.clips import with_modality
from avtool.tasks.classification.network import build_network
from avtool.tasks.classification.recipe import FinetuneRecipe, ModelRecipe


def clips(folder: Path, has_audio: list[bool], **more: float) -> Manifest:
    rows = [
        Clip(f"{place}", f"{place}.mkv", 0.0, 1.0, extras={"has_audio": has, "has_video": True, **more})
        for place, has in enumerate(has_audio)
    ]
    write_manifest(folder, rows)
    return read_manifest(folder / "manifest.parquet")


def test_clips_without_the_only_modality_are_left_out_and_told(tmp_path):
    told = Recorder()
    kept = with_modality(clips(tmp_path, [True, False, True]), ("audio",), told)
    assert kept.column("clip_id") == ["0", "2"]
    assert told.warnings == ["1 of 3 clips have no sound, and are left out"]


def test_a_model_of_both_gets_all_clips(tmp_path):
    everything = clips(tmp_path, [True, False])
    assert with_modality(everything, ("video", "audio", "audio_present"), Silent()) is everything


def test_no_clip_left_is_an_error(tmp_path):
    with pytest.raises(BadInputError, match=r"all 2 clips .* no sound"):
        with_modality(clips(tmp_path, [False, False]), ("audio",), Silent())


@pytest.mark.parametrize(
    ("words", "wanted"), [("audio", ("audio",)), (["audio", "video"], ("audio", "video"))]
)
def test_the_setting_builds_the_model(words, wanted):
    settings = {"name": "mbt_tiny", "modalities": words}
    recipe = FinetuneRecipe.model_validate({"model": settings, "data": {"video": {"size": 16}}})
    model, arguments = build_network(recipe, num_classes=3, num_frames=64)
    assert model.modalities == wanted
    assert arguments["modalities"] == wanted


def test_a_model_without_a_choice_refuses_the_setting():
    recipe = FinetuneRecipe.model_validate({"model": {"name": "cnn_tiny", "modalities": "audio"}})
    with pytest.raises(BadInputError, match="`cnn_tiny` has fixed inputs"):
        build_network(recipe, num_classes=3, num_frames=64)


@pytest.mark.parametrize(
    "wrong",
    [
        {"modalities": []},
        {"modalities": ["audio", "audio"]},
        {"modalities": ["smell"]},
        {"modalities": "audio", "arguments": {"modalities": ["audio"]}},
    ],
)
def test_senseless_modalities_are_refused(wrong):
    with pytest.raises(ValueError, match="modalities"):
        ModelRecipe.model_validate({"name": "mbt_tiny", **wrong})
