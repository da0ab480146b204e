"""Which clips are learned from, and how spectrograms are measured."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder, Silent
from avtool.data.clip_filter import Wanted, usable_clips, write_skipped
from avtool.data.manifest import read_manifest
from avtool.models.registry import MODELS
from avtool.tasks.clips import find_clips
from avtool.tasks.recipe import ClipsRecipe
from tests.harness import write_audio_clips

SOUND = Wanted(("audio",))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio_clips(tmp_path_factory.mktemp("sounds") / "data", 10, seconds=0.5, val=3)


def find(dataset: Path, wanted: Wanted = SOUND, **settings: object):
    return find_clips(dataset, ClipsRecipe(**settings), wanted, 16000, Silent())


def test_validation_clips_are_those_of_the_split(sounds: Path) -> None:
    clips = find(sounds)
    assert (len(clips.train), len(clips.val), len(clips.whole)) == (7, 3, 10)
    assert clips.skipped == ()


def test_a_missing_file_is_left_out_and_told(sounds: Path, tmp_path: Path) -> None:
    folder = write_audio_clips(tmp_path / "data", 4, seconds=0.5)
    (folder / "2.wav").unlink()
    reporter = Recorder()
    clips, skipped = usable_clips(read_manifest(folder), SOUND, 0.5, reporter)
    assert clips.column("clip_id") == ["0", "1", "3"]
    assert "1 of 4 clips" in reporter.warnings[0]
    assert "does not exist" in reporter.warnings[0]
    write_skipped(tmp_path, skipped)
    assert (tmp_path / "skipped.csv").read_text().splitlines()[1].startswith("2,2.wav,cannot be read")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(("video",)), "has no video"),
        (Wanted(("audio", "video")), "has no video"),
        (Wanted(("audio",), shortest=0.6), "lasts 500 ms, less than one patch of 600 ms"),
    ],
)
def test_clips_without_what_is_wanted_are_refused_when_they_are_too_many(
    sounds: Path, wanted: Wanted, reason: str
) -> None:
    with pytest.raises(BadInputError, match=f"10 of 10 clips .* cannot be used: `0` {reason}"):
        usable_clips(read_manifest(sounds), wanted, 0.05, Silent())


def test_one_modality_is_enough_where_either_can_be_learned_from(sounds: Path) -> None:
    either = Wanted(("audio", "video"), all_of_them=False)
    assert len(usable_clips(read_manifest(sounds), either, 0.0, Silent())[0]) == 10


def test_more_bad_clips_than_allowed_end_the_run(tmp_path: Path) -> None:
    folder = write_audio_clips(tmp_path / "data", 4, seconds=0.5)
    (folder / "0.wav").unlink()
    with pytest.raises(BadInputError, match=r"more than data\.max_bad = 0\.2") as caught:
        usable_clips(read_manifest(folder), SOUND, 0.2, Silent())
    assert "data.max_bad" in caught.value.hint


@pytest.mark.parametrize(
    ("frames", "filled"),
    [(998, 1024), (498, 512), (98, 128), (64, 64), (33, 64), (32, 32), (17, 32), (1, 16)],
)
def test_frames_fill_patches(frames: int, filled: int) -> None:
    assert MODELS.find("mavil_tiny").family.fit_frames(frames) == filled


@pytest.mark.parametrize(("name", "frames"), [("audio_mae_tiny", 512), ("mavil_tiny", 512), ("cnn", 498)])
def test_only_models_of_whole_patches_round_frames(name: str, frames: int) -> None:
    assert MODELS.find(name).family.fit_frames(498) == frames
