"""Indexes of films: shapes, what they hold, resuming, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.reporter import Silent
from avtool.inference.localisation.array_file import ArrayFile, is_whole
from avtool.inference.localisation.encoders import Encoders, IndexRecipe
from avtool.inference.localisation.film_index import FilmIndex, is_index, open_index
from avtool.inference.localisation.frame_encoder import FrameEncoder
from avtool.inference.localisation.index_writer import write_index
from avtool.media.video_frames import read_frames
from tests.harness import chirp as chirped
from tests.harness import save_backbone, write_wav

NAMES = ("visual", "visual_pooled", "audio", "audio_pooled", "times")


def arrays(index: FilmIndex) -> dict[str, np.ndarray]:
    return {name: np.array(getattr(index, name)) for name in NAMES}


def tolerance(values: np.ndarray) -> float:
    """Of float16, and of convolutions that round by the size of a batch."""
    return 2e-3 * float(np.abs(values).max())


def test_an_array_file_is_a_numpy_file_that_grows(tmp_path: Path) -> None:
    path, values = tmp_path / "a.npy", np.arange(12, dtype=np.float32).reshape(4, 3)
    with ArrayFile(path, (3,)) as file:
        file.append(values[:2])
        assert not is_whole(path)
    assert is_whole(path)
    path.write_bytes(path.read_bytes() + b"half a row"[:3])
    with ArrayFile(path, (3,)) as file:
        assert file.rows == 2
        file.append(values[2:])
    assert np.load(path, mmap_mode="r").tolist() == values.tolist()


def test_an_array_file_clips_what_float16_cannot_hold(tmp_path: Path) -> None:
    with ArrayFile(tmp_path / "a.npy", (2,)) as file:
        file.append(np.array([[1e6, -1e6]], np.float32))
    assert np.isfinite(np.load(tmp_path / "a.npy")).all()


def test_an_index_has_a_row_a_frame(film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path) -> None:
    index = write_index(film, tmp_path / "idx", recipe, Silent())
    assert len(index) == 12
    assert index.step == 0.25
    assert index.times.tolist() == pytest.approx(np.arange(12) / 4)
    assert index.frame_size == (96, 64)
    assert index.card.grid == (2, 3)
    assert index.visual is not None
    assert index.audio is not None
    assert index.visual.shape[:2] == (12, 6)
    assert index.audio.shape[:2] == (12, 1)
    assert isinstance(index.visual, np.memmap)
    assert not index.visual.flags.writeable


def test_tokens_are_those_of_the_frame_on_screen(
    film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path
) -> None:
    index = write_index(film, tmp_path / "idx", recipe, Silent())
    encoder = Encoders(recipe, Silent()).visual()
    frames, _ = read_frames(film, [0.75], size=encoder.read_size(96, 64))
    wanted = encoder.encode(frames)
    assert index.visual is not None
    assert index.visual_pooled is not None
    assert index.visual[3] == pytest.approx(wanted.tokens[0], abs=tolerance(wanted.tokens))
    assert index.visual_pooled[3] == pytest.approx(wanted.pooled[0], abs=tolerance(wanted.pooled))


def test_audio_is_that_of_the_nearest_window(
    film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path
) -> None:
    index = write_index(film, tmp_path / "idx", recipe, Silent())
    encoder = Encoders(recipe, Silent()).audio()
    parts = list(encoder.encode_film(film, Silent()))
    middles = np.array([window.start + encoder.seconds / 2 for windows, _ in parts for window in windows])
    features = np.concatenate([part for _, part in parts])
    assert index.audio is not None
    for number, time in enumerate(index.times):
        near = np.argmin(np.abs(middles - (time + 0.125)))
        assert index.audio[number, 0] == pytest.approx(features[near], abs=tolerance(features))


def test_a_killed_run_is_resumed_to_the_same_bytes(
    film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = arrays(write_index(film, tmp_path / "whole", recipe, Silent()))
    encoded = []

    def counted(self: object, images: np.ndarray) -> object:
        encoded.append(len(images))
        if sum(encoded) == stop:
            raise KeyboardInterrupt
        return original(self, images)

    original = FrameEncoder.encode
    monkeypatch.setattr(FrameEncoder, "encode", counted)
    stop = 1 + 8
    with pytest.raises(KeyboardInterrupt):
        write_index(film, tmp_path / "idx", recipe, Silent())
    assert not is_index(tmp_path / "idx")
    encoded.clear()
    stop = -1
    found = arrays(write_index(film, tmp_path / "idx", recipe, Silent()))
    assert sum(encoded) == 1 + 8, "a trial, and the frames that were missing"
    for name in NAMES:
        assert np.array_equal(found[name], whole[name]), name


def test_equal_settings_open_what_is_there(
    film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path
) -> None:
    write_index(film, tmp_path / "idx", recipe, Silent())
    before = (tmp_path / "idx" / "visual.npy").stat().st_mtime_ns
    write_index(film, tmp_path / "idx", recipe, Silent())
    assert (tmp_path / "idx" / "visual.npy").stat().st_mtime_ns == before


def test_other_settings_are_named_with_both_values(
    film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "idx"
    index = write_index(film, folder, recipe, Silent())
    with pytest.raises(BadInputError, match=r"fps: 4\.0 then, 2\.0 now"):
        write_index(film, folder, recipe.model_copy(update={"fps": 2.0}), Silent())
    other = save_backbone(tmp_path / "other", seed=1)
    with pytest.raises(BadInputError, match=r"visual_weights: '\w{16}' then, '\w{16}' now"):
        write_index(film, folder, recipe.model_copy(update={"visual_encoder": str(other)}), Silent())
    again = write_index(film, folder, recipe.model_copy(update={"fps": 2.0}), Silent(), overwrite=True)
    assert len(again) == 6
    with pytest.raises(BadInputError, match="has 2 frames per second, 4 are needed"):
        again.need(step=index.step)
    with pytest.raises(BadInputError, match=r"was made by the visual encoder .* not by 0123"):
        again.need(visual="0123")


def test_a_film_that_has_changed_is_named_with_both_hashes(
    film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path
) -> None:
    copy = shutil.copy(film, tmp_path / "copy.mp4")
    index = write_index(Path(copy), tmp_path / "idx", recipe, Silent())
    index.check_film()
    with Path(copy).open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(BadInputError, match=r"has changed .* then, \w{12} now") as caught:
        index.check_film()
    assert "localize index" in caught.value.hint
    Path(copy).unlink()
    index.check_film()  # an index outlives its film


def test_audio_alone_has_no_frames(recipe: IndexRecipe, tmp_path: Path, cache: Path) -> None:
    index = write_index(write_wav(tmp_path / "a.wav", chirped(2.0)), tmp_path / "idx", recipe, Silent())
    assert index.visual is None
    assert index.frame_size == (0, 0)
    assert len(index) == 8
    assert index.visual_encoder == ""


def test_a_film_without_what_the_encoders_take(recipe: IndexRecipe, tmp_path: Path, cache: Path) -> None:
    sound = write_wav(tmp_path / "a.wav", chirped(2.0))
    with pytest.raises(BadInputError, match="has audio, and no encoder is given for it"):
        write_index(sound, tmp_path / "idx", recipe.model_copy(update={"audio_encoder": "none"}), Silent())


def test_a_damaged_index_is_named(film: Path, recipe: IndexRecipe, tmp_path: Path, cache: Path) -> None:
    write_index(film, tmp_path / "idx", recipe, Silent())
    np.save(tmp_path / "idx" / "audio.npy", np.zeros((3, 1, 2), np.float16))
    with pytest.raises(CorruptArtifactError, match=r"audio\.npy is \(3, 1, 2\)"):
        open_index(tmp_path / "idx")
    with pytest.raises(BadInputError, match="is no index of a film"):
        open_index(tmp_path)
