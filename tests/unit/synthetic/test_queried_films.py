"""Films with queries: their truth beside pixels and audio."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data.film_queries import QueriedFilm, boxes_of, paint_crop, write_queries_of
from avtool.data.queried_films import make_queried_films, split_recordings
from avtool.data.queries.table import read_queries
from avtool.media.video_frames import iter_frames
from avtool.media.waveforms import read_waveform
from avtool.synthetic.drawn_objects import LOOKS, SHAPES, DrawnObject, Look
from avtool.synthetic.moving_sources import Recording
from avtool.synthetic.painter import extent_of, paint
from avtool.synthetic.queried_films import QueriedSettings, background, shoot_scenario, write_scenario
from avtool.synthetic.query_wordings import object_sentence, sound_sentence
from tests.harness import write_sine

SHORT = QueriedSettings(seconds=40.0, size=(48, 64), objects=12.0, sounds=6.0)
LABELS = ("bell", "horn", "drum", "whistle")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> dict[str, list[Recording]]:
    folder = tmp_path_factory.mktemp("sounds")
    found: dict[str, list[Recording]] = {}
    for label in LABELS:
        for take in range(5):
            path = folder / label / f"{take}.wav"
            write_sine(path, 0.7 + take)
            found.setdefault(label, []).append(Recording(path, label, group=f"{label}{take}"))
    return found


def shoot(tmp_path: Path, recordings, settings: QueriedSettings = SHORT, seed: int = 0):
    scenario = write_scenario(settings, recordings, np.random.default_rng(seed))
    shoot_scenario(tmp_path / "film.mp4", scenario, np.random.default_rng(1), Silent())
    return tmp_path / "film.mp4", scenario


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_the_extent_of_a_shape_is_that_of_its_pixels(shape):
    frame = np.zeros((120, 120, 3), np.uint8)
    paint(frame, shape, np.full(3, 255, np.float32), 60.0, 60.0, 30.0)
    rows, columns = np.flatnonzero(frame.any((1, 2))), np.flatnonzero(frame.any((0, 2)))
    found = (60 - columns[0], 60 - rows[0], columns[-1] - 60, rows[-1] - 60)
    assert found == pytest.approx(extent_of(shape, 30.0), abs=1.5)


def test_boxes_and_times_are_those_of_the_pixels(tmp_path, recordings):
    path, scenario = shoot(tmp_path, recordings)
    painter = background(scenario)
    changed = [
        np.abs(frame.astype(int) - painter.frame(number)).max(2) > 60
        for number, (_, frame) in enumerate(iter_frames(path, fps=SHORT.fps))
    ]
    assert len(changed) == 200
    boxes = {
        round(box[0] * SHORT.fps): box[1:] for one in scenario.objects for box in boxes_of(one, scenario)
    }
    assert len(scenario.objects) == 8
    assert set(boxes) == {number for number, mask in enumerate(changed) if mask.sum() > 20}
    for number, (left, top, width, height) in boxes.items():
        rows, columns = np.flatnonzero(changed[number].any(1)), np.flatnonzero(changed[number].any(0))
        found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        assert found == pytest.approx((left, top, left + width, top + height), abs=2.5)


def test_sounds_are_audible_when_the_truth_says_so(tmp_path, recordings):
    path, scenario = shoot(tmp_path, recordings)
    samples = read_waveform(path, 0.0, SHORT.seconds)
    beds = np.zeros(len(samples), bool)
    for bed in scenario.music:
        beds[round(bed.start * 16000) : round(bed.end * 16000)] = True
    inside = np.zeros(len(samples), bool)
    assert len({one.recording.label for one in scenario.sounds}) == 4
    for one in scenario.sounds:
        first, last = round(one.start * 16000), round(one.end * 16000)
        inside[first:last] = True
        assert np.abs(samples[first : first + 800]).max() > 0.15
        assert np.abs(samples[last - 1600 : last + 160]).max() > 0.15
    margin = np.convolve(inside, np.ones(3200), "same") > 0  # the codec smears a sound a little
    assert np.abs(samples[~margin & ~beds]).max() < 0.02
    assert np.abs(samples[~margin & beds]).max(initial=0.0) < 0.08


def test_several_objects_are_seen_at_once(recordings):
    settings = QueriedSettings(seconds=60.0, objects=20.0, at_once=2)
    scenario = write_scenario(settings, recordings, np.random.default_rng(0))
    shown = Counter(box[0] for one in scenario.objects for box in boxes_of(one, scenario))
    assert max(shown.values()) == 2
    assert len({one.look for one in scenario.objects}) == 20


def test_the_same_seed_makes_the_same_bytes(tmp_path, recordings):
    sounds = recordings["bell"][0].path.parents[1]
    made = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        counts = {"films": 1, "val": 0, "test": 1}
        make_queried_films(tmp_path / name, sounds, Silent(), **counts, settings=SHORT, seed=seed)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        made.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
        made[-1].pop("artifact.json")
    assert made[0] == made[1]
    assert made[0]["films/0000.mp4"] != made[2]["films/0000.mp4"]
    assert made[0]["films/0000.mp4"] != made[0]["films/0001.mp4"]


def test_a_dataset_and_its_queries(tmp_path, recordings):
    sounds = recordings["bell"][0].path.parents[1]
    made = make_queried_films(tmp_path / "asked", sounds, Silent(), films=2, val=1, test=1, settings=SHORT)
    rows = read_queries(made.queries).rows
    assert made.films == {"train": 2, "val": 1, "test": 1}
    present = [row for row in rows if not row.absent]
    assert Counter(row.kind for row in present if row.group == "0000") == {
        "image": 8, "text": 12, "label": 12, "audio": 4
    }  # fmt: skip
    assert {row.kind for row in rows if row.absent} == {"image", "text", "label"}
    assert all(0 <= row.start < row.end <= SHORT.seconds for row in present)
    assert all(bool(row.boxes) == (row.query_id.rsplit("-", 2)[-2] in SHAPES) for row in present)
    for row in rows:
        if row.kind in ("image", "audio"):
            assert (tmp_path / "asked" / row.query).is_file()
    wordings = {split: {row.query for row in rows if row.kind == "text" and row.split == split}
                for split in ("train", "test")}  # fmt: skip
    assert not wordings["train"] & wordings["test"]


def test_an_audio_query_is_another_recording(tmp_path, recordings):
    pair = {"bell": recordings["bell"][2:4]}
    settings = QueriedSettings(seconds=20.0, objects=0.0, sounds=3.0)
    scenario = write_scenario(settings, pair, np.random.default_rng(0))
    film = QueriedFilm("films/a.mp4", "train", scenario, pair)
    (row,) = [
        row for row in write_queries_of(film, tmp_path, np.random.default_rng(0)) if row.kind == "audio"
    ]
    samples, _ = soundfile.read(tmp_path / row.query)
    played = scenario.sounds[0].recording.path
    (other,) = [one.path for one in pair["bell"] if one.path != played]
    clip, heard = (soundfile.info(path).duration for path in (tmp_path / row.query, other))
    assert clip == pytest.approx(heard, abs=0.05)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)


def test_scenes_fill_the_film(recordings):
    settings = QueriedSettings(seconds=60.0, objects=0.0, sounds=0.0)
    for seed in range(20):
        scenes = write_scenario(settings, recordings, np.random.default_rng(seed)).scenes
        assert (scenes[0].start, scenes[-1].end) == (0.0, 60.0)
        assert all(one.end == other.start for one, other in pairwise(scenes))
        assert min(one.end - one.start for one in scenes) >= 8.0


def test_splits_never_share_a_recording(recordings):
    listed = [one for ones in recordings.values() for one in ones]
    splits = split_recordings(listed)
    paths = {split: {one.path for ones in of.values() for one in ones} for split, of in splits.items()}
    assert {split: len(found) for split, found in paths.items()} == {"train": 12, "val": 4, "test": 4}
    assert len(set.union(*paths.values())) == 20
    with pytest.raises(BadInputError, match="2 folds"):
        split_recordings(listed[:2])


def test_a_crop_shows_the_object_in_its_colour(recordings):
    scenario = write_scenario(SHORT, recordings, np.random.default_rng(0))
    crop = paint_crop(Look("disc", "red"), scenario, np.random.default_rng(3))
    middle = crop[crop.shape[0] // 2, crop.shape[1] // 2]
    assert crop.shape[0] == crop.shape[1] >= 16
    assert middle[0] > 220
    assert middle[1:].max() < 90


def test_an_object_that_leaves_the_frame_has_a_box_inside():
    shown = DrawnObject(LOOKS[0], 0.0, 1.0, 0.2, (0.0, 0.0), (0.0, 0.0))
    left, top, width, height = shown.box(0.0, (72, 96))
    assert (left, top) == (0.0, 0.0)
    assert (width, height) == pytest.approx((14.4, 14.4))


def test_sentences_name_what_they_ask_for():
    rng = np.random.default_rng(0)
    for held_out in (False, True):
        for _ in range(20):
            words = object_sentence(Look("ring", "blue"), rng, held_out=held_out)
            assert "ring" in words
            assert "blue" in words
            assert "bark" in sound_sentence("dog", rng, held_out=held_out)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (QueriedSettings(seconds=5.0), "too short"),
        (QueriedSettings(size=(33, 64)), "64x33"),
        (QueriedSettings(objects=40.0), "40 objects a minute"),
        (QueriedSettings(sounds=16.0), "16 sounds a minute"),
    ],
)
def test_impossible_films_are_refused(settings, message):
    with pytest.raises(BadInputError, match=message):
        settings.check()
