"""Published data sets and lists as they really are."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from avtool.core.reporter import Silent
from avtool.data.labels import class_lists, encode_labels
from avtool.data.manifest import Manifest, read_manifest
from avtool.data.prepare.dataset import prepare
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.data.readers.layouts import read_source
from avtool.data.statistics import StatsRecipe, leaking_groups, stats

# The folders of ESC-10's first release, and their classes today.
FIRST_RELEASE = {
    "001 - Dog bark": "dog", "002 - Rain": "rain", "003 - Sea waves": "sea_waves",
    "004 - Baby cry": "crying_baby", "005 - Clock tick": "clock_tick", "006 - Person sneeze": "sneezing",
    "007 - Helicopter": "helicopter", "008 - Chainsaw": "chainsaw", "009 - Rooster": "rooster",
    "010 - Fire crackling": "crackling_fire",
}  # fmt: skip


@pytest.fixture(scope="module")
def esc10(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ESC-10, prepared."""
    out = tmp_path_factory.mktemp("prepared") / "esc10"
    result = prepare(test_data / "esc10", out, PrepareRecipe(check="headers"), Silent())
    assert not result.failed
    return out


def test_esc10_has_five_folds_of_eighty_clips_and_no_leak(esc10: Path) -> None:
    manifest = read_manifest(esc10)
    assert len(manifest) == 400
    assert Counter(manifest.column("fold")) == dict.fromkeys(range(1, 6), 80)
    assert Counter(label for labels in manifest.column("labels") for label in labels) == dict.fromkeys(
        FIRST_RELEASE.values(), 40
    )
    assert len(set(manifest.column("group"))) == 304
    assert leaking_groups(manifest) == []
    assert {clip.duration for clip in manifest} == {5.0}


def test_esc10_is_encoded_by_its_own_class_order(esc10: Path) -> None:
    manifest = read_manifest(esc10)
    targets = encode_labels(manifest, "single-label", class_lists(esc10, "single-label"))
    assert targets.classes[0][:3] == ("dog", "rooster", "rain")
    assert targets.counts()[0].tolist() == [40] * 10


def test_the_first_release_of_esc10_gives_the_same_clips(
    esc10: Path, test_data: Path, tmp_path: Path
) -> None:
    folders = {label: folder for folder, label in FIRST_RELEASE.items()}
    for clip in read_manifest(esc10):
        fold, source, take, _ = clip.clip_id.split("-")
        folder = tmp_path / "ESC-10" / folders[clip.labels[0]]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{fold}-{source}-{take}.ogg").symlink_to(clip.media)
    prepare(tmp_path / "ESC-10", tmp_path / "old", PrepareRecipe(check="headers"), Silent())
    assert keys(read_manifest(tmp_path / "old")) == keys(read_manifest(esc10))
    assert class_lists(tmp_path / "old", "single-label") == class_lists(esc10, "single-label")


def keys(manifest: Manifest) -> set[tuple[object, ...]]:
    return {(clip.clip_id, clip.labels, clip.fold, clip.group, clip.end) for clip in manifest}


@pytest.mark.slow
def test_statistics_of_esc10_are_the_known_ones(esc10: Path) -> None:
    found = stats(esc10, StatsRecipe(), Silent()).fbank
    assert found is not None
    assert found.mean == pytest.approx(-6.581, abs=5e-4)
    assert found.std == pytest.approx(5.788, abs=5e-4)
    assert found.frames == 400 * 498


def test_audioset_clean_and_after_a_spreadsheet(test_data: Path) -> None:
    folder = test_data / "labels" / "audioset"
    clean = read_source(folder / "eval_segments.csv")
    assert (clean.layout, len(clean.clips), clean.refused) == ("audioset", 20371, ())
    assert sum(len(clip.labels) for clip in clean.clips) == 51804  # as the published list says of itself
    assert [len(entries) for entries in clean.classes.values()] == [527]
    damaged = read_source(folder / "eval_segments_spreadsheet_damaged.csv")
    assert damaged.layout == "audioset"
    assert len(damaged.refused) == 310
    assert damaged.refused[0].where == "eval_segments_spreadsheet_damaged.csv line 5"
    assert all("#NAME?" in line.reason for line in damaged.refused)
    of_clean = {clip.clip_id: (clip.start, clip.end, clip.labels) for clip in clean.clips}
    of_damaged = {clip.clip_id: (clip.start, clip.end, clip.labels) for clip in damaged.clips}
    assert len(of_damaged) == 20371 - 310
    assert all(of_clean[name] == row for name, row in of_damaged.items())


def test_audioset_is_named_by_its_ontology_alone(test_data: Path, tmp_path: Path) -> None:
    folder = test_data / "labels" / "audioset"
    for name in ("eval_segments.csv", "ontology.json"):
        (tmp_path / name).symlink_to(folder / name)
    by_ontology, by_list = read_source(tmp_path), read_source(folder)
    assert by_ontology.refused == ()
    named = [(one.labels, other.labels) for one, other in zip(by_ontology.clips, by_list.clips, strict=True)]
    assert all(one == other for one, other in named)


def test_vggsound(test_data: Path) -> None:
    source = read_source(test_data / "labels" / "vggsound")
    assert (source.layout, len(source.clips), source.refused) == ("vggsound", 15446, ())
    classes = [entry.label for entry in source.classes["classes"]]
    assert len(classes) == 309
    assert {label for clip in source.clips for label in clip.labels} <= set(classes)
    assert "bird chirping, tweeting" in classes


def test_sams_lists(test_data: Path) -> None:
    source = read_source(test_data / "sams" / "val.json")
    rows = json.loads((test_data / "sams" / "val.json").read_text())["data"]
    assert (source.layout, len(source.clips)) == ("sams", len(rows))
    assert len({clip.group for clip in source.clips}) == 43
    classes = [entry.label for entry in source.classes["classes"]]
    assert classes[:2] == ["grunt", "laugh"]
    in_subset = sum(bool(set(clip.labels) & set(classes[:120])) for clip in source.clips)
    assert (len(source.clips), in_subset) == (9819, 9546)  # as published


def test_only_some_films_of_a_list_are_there(test_data: Path, tmp_path: Path) -> None:
    source = read_source(test_data / "sams" / "val.json")
    films = sorted({clip.group for clip in source.clips})[:2]
    wanted = [clip for clip in source.clips if clip.group in films][:20]
    for clip in wanted:
        (tmp_path / "media" / clip.group).mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "media" / clip.media, [0.1, -0.1] * 8000, 16000)
    shutil.copy(test_data / "sams" / "val.json", tmp_path / "val.json")
    result = prepare(
        tmp_path / "val.json", tmp_path / "out", PrepareRecipe(), Silent(), media=tmp_path / "media"
    )
    assert result.summary.clips == 20
    assert result.summary.problems == {"absent": 9819 - 20}


def test_films_with_and_without_sound_are_told_apart(test_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in (
        "tractor_no_audio.webm",
        "flower_digital_silence.mp4",
        "broken-file.ogg",
        "exo_bbb_2500ms.ts",
    ):
        (folder / name).symlink_to(test_data / "video_edge" / name)
    result = prepare(folder, tmp_path / "out", PrepareRecipe(layout="folders"), Silent())
    assert result.summary.problems == {"unreadable": 1, "silent": 1, "damaged": 1}  # a gap of 0.08 s
    flags = {
        clip.clip_id: (clip.extras["has_audio"], clip.extras["has_video"])
        for clip in read_manifest(tmp_path / "out")
    }
    assert flags == {
        "exo_bbb_2500ms": (True, True),
        "flower_digital_silence": (True, True),
        "tractor_no_audio": (False, True),
    }
