"""Modalities as a setting, and clips that are skipped without them."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder, Silent
from avtool.data.manifest import Clip, write_manifest
from avtool.tasks.classification.clips import find_clips
from avtool.tasks.classification.network import build_network
from avtool.tasks.classification.recipe import ClassifierRecipe, DataRecipe, FinetuneRecipe


def dataset(folder: Path, has_audio: list[bool]) -> None:
    rows = []
    for place, has in enumerate(has_audio):
        (folder / f"{place}.mkv").touch()
        extras = {"has_audio": has, "has_video": True}
        rows.append(Clip(f"{place}", f"{place}.mkv", 0.0, 1.0, labels=("x",), extras=extras))
    write_manifest(folder, rows)
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "labels" / "classes.csv").write_text("index,label\n0,x\n")


@pytest.mark.parametrize(
    ("inputs", "left"), [(("audio",), ["0", "2"]), (("video", "audio"), ["0", "1", "2"])]
)
def test_clips_without_what_the_model_takes_are_skipped(tmp_path, inputs, left):
    dataset(tmp_path, [True, False, True])
    reporter = Recorder()
    found = find_clips(tmp_path, DataRecipe(max_bad=0.5), inputs, reporter)
    assert found.train.column("clip_id") == left
    assert [skipped.clip_id for skipped in found.skipped] == [name for name in "012" if name not in left]
    assert any("1 of 3 clips" in line for line in reporter.warnings) == (len(left) < 3)


def test_too_many_skipped_clips_are_an_error(tmp_path):
    dataset(tmp_path, [True, False, True])
    with pytest.raises(BadInputError, match=r"more than data.max_bad = 0.05"):
        find_clips(tmp_path, DataRecipe(), ("audio",), Silent())
    dataset(tmp_path, [False, False])
    with pytest.raises(BadInputError, match=r"2 of 2 clips .* cannot be used"):
        find_clips(tmp_path, DataRecipe(max_bad=1), ("audio",), Silent())


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
        ClassifierRecipe.model_validate({"name": "mbt_tiny", **wrong})
