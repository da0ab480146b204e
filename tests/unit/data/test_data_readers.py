"""Every layout gives the same kind of rows, and is told from the others by its content."""

import csv
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError
from avtool.data.manifest import Clip, write_manifest
from avtool.data.readers.layouts import READERS, detect_layout, read_source
from avtool.data.readers.source import ReadOptions
from tests.harness import chirp_clips, write_chirp
from tests.layouts import make_layouts, sample_of, touch, write


def rows(source):
    return {clip.clip_id: clip for clip in source.clips}


@pytest.mark.parametrize("layout", sorted({*READERS.names()} - {"dataset"}))
def test_each_layout_is_recognised(tmp_path, layout):
    path = sample_of(make_layouts(tmp_path), layout)
    assert detect_layout(path) == layout
    source = read_source(path)
    assert source.layout == layout
    assert all(clip.clip_id and clip.media and clip.group and clip.where for clip in source.clips)


@pytest.mark.parametrize(
    ("file", "layout"),
    [
        ("epic-kitchens/EPIC_100_train.csv", "epic-kitchens"),
        ("kinetics/kinetics700_val.csv", "kinetics"),
        ("sams/val.json", "sams"),
        ("audioset/eval_segments.csv", "audioset"),
        ("vggsound/test.csv", "vggsound"),
    ],
)
def test_a_list_alone_is_recognised(tmp_path, file, layout):
    assert detect_layout(make_layouts(tmp_path) / file) == layout


def test_nothing_known_lists_the_layouts(tmp_path):
    for path in (
        write(tmp_path / "a.txt", "hello\n"),
        touch(tmp_path / "empty", "x.txt"),
        write(tmp_path / "b", "\0"),
    ):
        with pytest.raises(BadInputError, match="has no layout that avtool reads") as caught:
            read_source(path)
        assert "epic-kitchens" in caught.value.hint
    with pytest.raises(BadInputError, match="does not exist"):
        read_source(tmp_path / "none")


def test_folders(tmp_path):
    found = rows(read_source(make_layouts(tmp_path) / "folders"))
    assert {name: clip.labels for name, clip in found.items()} == {
        "cat/3": ("cat",), "dog/1": ("dog",), "dog/b/2": ("dog",),
    }  # fmt: skip


def test_images_in_folders_are_clips_where_nothing_else_is(tmp_path):
    touch(tmp_path, "train/dress/1.jpg", "validation/hat/2.PNG")
    assert detect_layout(tmp_path) == "folders"
    found = [(clip.media, clip.split, clip.labels) for clip in read_source(tmp_path).clips]
    assert found == [("train/dress/1.jpg", "train", ("dress",)), ("validation/hat/2.PNG", "val", ("hat",))]
    touch(tmp_path, "train/dress/film.mp4")
    assert [clip.media for clip in read_source(tmp_path).clips] == ["train/dress/film.mp4"]


def test_folders_below_splits_and_files_of_one_stem(tmp_path):
    touch(tmp_path, "train/dog/1.wav", "valid/dog/1.wav", "valid/dog/1.mp4", "test/1.wav")
    found = rows(read_source(tmp_path, "folders"))
    assert {name: (clip.split, clip.labels) for name, clip in found.items()} == {
        "test/1": ("test", ()),
        "train/dog/1": ("train", ("dog",)),
        "valid/dog/1.mp4": ("val", ("dog",)),
        "valid/dog/1.wav": ("val", ("dog",)),
    }


def test_a_table_keeps_what_it_does_not_know(tmp_path):
    clip = read_source(make_layouts(tmp_path) / "csv" / "list.csv").clips[0]
    assert (clip.media, clip.start, clip.end, clip.labels) == ("x.mp4", 1.5, 3.0, ("a", "b"))
    assert clip.extras == {"mood": "sad"}
    assert clip.where == "list.csv line 2"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_with_other_delimiters_and_a_byte_order_mark(tmp_path, delimiter):
    text = "\ufefffile,category,fold,group\n1.wav,dog,2,film\n\n".replace(",", delimiter)
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    clip = read_source(tmp_path / "t.csv").clips[0]
    assert (clip.clip_id, clip.labels, clip.fold, clip.group) == ("1", ("dog",), 2, "film")


def test_rows_that_differ_in_their_label_only_are_one_clip(tmp_path):
    table = "media,start,end,label\na.wav,0,1,x\na.wav,0,1,y\na.wav,1,2,x\nb.wav,,,z\n"
    clips = read_source(write(tmp_path / "t.csv", table)).clips
    assert [(clip.clip_id, clip.labels) for clip in clips] == [
        ("a_0", ("x", "y")),
        ("a_1", ("x",)),
        ("b", ("z",)),
    ]


def test_rows_of_one_medium_with_other_texts_are_numbered(tmp_path):
    table = "audio,caption\na.wav,a dog\na.wav,one dog barks\n"
    clips = read_source(write(tmp_path / "t.csv", table)).clips
    assert [(clip.clip_id, clip.text) for clip in clips] == [("a", "a dog"), ("a#2", "one dog barks")]


def test_a_table_of_verbs_and_nouns_has_two_class_lists(tmp_path):
    source = read_source(write(tmp_path / "t.csv", "video,verb,noun\na.mp4,open,door\nb.mp4,cut,door\n"))
    assert [clip.labels for clip in source.clips] == [("open", "door"), ("cut", "door")]
    names = {name: [entry.label for entry in entries] for name, entries in source.classes.items()}
    assert names == {"verbs": ["cut", "open"], "nouns": ["door"]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,label\nx,y\n", "no layout"),
        ("media,label\n", "a header and no rows"),
        ("media,label\n,dog\n", "line 2 names no media"),
        ("media,start,end\na.wav,3,2\n", "line 2: the clip ends at 2 s"),
        ("media,start\na.wav,-1\n", "line 2: `-1` is not a time"),
        ("media,start\na.wav,nan\n", "line 2: `nan` is not a time"),
        ("media,fold\na.wav,first\n", "line 2: `first` is not a fold"),
        ('media,label\na.wav,"dog"x"\n', "after line 1: "),
        ("media,label\na.wav,d\0g\n", "no layout"),
    ],
)
def test_wrong_tables_are_one_line(tmp_path, table, message):
    with pytest.raises(BadInputError, match=message) as caught:
        read_source(write(tmp_path / "t.csv", table))
    assert "\n" not in caught.value.message


def test_esc_as_first_released_gets_todays_names_and_targets(tmp_path):
    source = read_source(make_layouts(tmp_path) / "esc50")
    found = rows(source)
    assert set(found) == {"1-100-A-0", "5-200-B-11"}
    dog = found["1-100-A-0"]
    assert (dog.labels, dog.fold, dog.group, dog.end) == (("dog",), 1, "100", 5.0)
    assert [(entry.label, entry.code) for entry in source.classes["classes"]] == [
        ("dog", "0"),
        ("sea_waves", "11"),
    ]
    assert source.fixed_length


@pytest.mark.parametrize(
    ("folder", "label"), [("101 - Dog", "dog"), ("510 - Hand saw", "hand_saw"), ("204 - Chirp", "crickets")]
)
def test_folders_of_the_whole_first_release(tmp_path, folder, label):
    touch(tmp_path, f"{folder}/1-100-A.ogg")
    assert read_source(tmp_path).clips[0].labels == (label,)


def test_a_folder_that_is_no_class_of_esc_is_refused(tmp_path):
    touch(tmp_path, "999 - Thing/1-100-A.ogg")
    with pytest.raises(BadInputError, match="no class of ESC-50"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("number", "splits"), [(1, ["train", "test"]), (2, ["test", "train"]), (3, ["", ""])]
)
def test_ucf101_has_three_divisions(tmp_path, number, splits):
    source = read_source(make_layouts(tmp_path) / "ucf101", "ucf101", ReadOptions(official_split=number))
    assert [clip.split for clip in source.clips] == splits
    assert [clip.group for clip in source.clips] == ["Archery_g08", "Biking_g01"]
    assert source.clips[0].extras == {"split_1": "train", "split_2": "test", "split_3": ""}
    assert [entry.label for entry in source.classes["classes"]] == ["Archery", "Biking"]


def test_hmdb51_leaves_some_videos_out(tmp_path):
    found = rows(read_source(make_layouts(tmp_path) / "hmdb51"))
    clip = found["April_09_brush_hair_u_nm_np1_ba_goo_0"]
    assert (clip.split, clip.labels, clip.group) == ("train", ("brush_hair",), "April_09")
    assert found["Muh_brush_hair_f_1"].split == ""


def test_epic_kitchens_without_class_files_names_classes_by_what_is_said(tmp_path):
    source = read_source(make_layouts(tmp_path) / "epic-kitchens")
    first = source.clips[0]
    assert (first.start, first.end, first.labels, first.split) == (1.5, 62.25, ("open", "door"), "train")
    assert [(entry.label, entry.code) for entry in source.classes["verbs"]] == [("open", "3"), ("shut", "4")]


def test_epic_kitchens_with_class_files(tmp_path):
    folder = make_layouts(tmp_path) / "epic-kitchens"
    write(folder / "EPIC_100_verb_classes.csv", "id,key\n0,take\n3,open\n4,close\n")
    write(folder / "EPIC_100_noun_classes.csv", "id,key\n12,door\n")
    source = read_source(folder)
    assert [clip.labels for clip in source.clips] == [("open", "door"), ("close", "door")]
    assert [entry.label for entry in source.classes["verbs"]] == ["take", "open", "close"]
    write(folder / "EPIC_100_noun_classes.csv", "id,key\n1,door\n")
    with pytest.raises(BadInputError, match="line 2: no noun class has number `12`"):
        read_source(folder)


def test_kinetics(tmp_path):
    source = read_source(make_layouts(tmp_path) / "kinetics")
    clip = source.clips[0]
    assert (clip.clip_id, clip.split, clip.labels) == ("abcdefghijk_000019_000029", "val", ("tai chi",))
    assert source.cut_names(clip) == ("abcdefghijk_000019_000029",)


@pytest.mark.parametrize(
    "text",
    [
        '# Segments csv\n# num_ytids=1\n# YTID, start_seconds\nabcdefghij-, 1.000, 11.000, "/m/1,/m/2"\n',
        'YTID,start_seconds,end_seconds,positive_labels\nabcdefghij-,1.000,11.000,"/m/1,/m/2"\n',
        '# Segments csv created,,,\n# YTID,,,\nabcdefghij-,1,11," ""/m/1","/m/2""",,,\n',
    ],
    ids=["published", "one header", "after a spreadsheet"],
)
def test_audioset_in_its_three_forms(tmp_path, text):
    source = read_source(write(tmp_path / "eval_segments.csv", text))
    clip = source.clips[0]
    assert (clip.media, clip.start, clip.end, clip.labels) == ("abcdefghij-", 1.0, 11.0, ("/m/1", "/m/2"))
    assert (clip.split, source.refused) == ("test", ())


def test_audioset_refuses_what_cannot_be_repaired_line_by_line(tmp_path):
    header = "YTID,start_seconds,end_seconds,positive_labels\n"
    bad = [
        "#NAME?,1,2,/m/1",
        "1E+10,1,2,/m/1",
        "abcdefghijk,x,2,/m/1",
        "abcdefghijk,3,2,/m/1",
        "abcdefghijk,1,2,dog",
    ]
    source = read_source(write(tmp_path / "t.csv", header + "\n".join([*bad, "abcdefghijk,1,2,/m/1"])))
    assert [line.where for line in source.refused] == [f"t.csv line {n}" for n in range(2, 7)]
    assert len(source.clips) == 1


def test_audioset_names_by_its_ontology(tmp_path):
    nodes = [
        {"id": "/m/2", "name": "Dog", "restrictions": []},
        {"id": "/m/0", "name": "Animals", "restrictions": ["abstract"]},
        {"id": "/m/1", "name": "Bird, small", "restrictions": []},
    ]
    write(tmp_path / "ontology.json", json.dumps(nodes))
    source = read_source(write(tmp_path / "eval_segments.csv", 'YTID,a,b,c\nabcdefghijk,1,2,"/m/1,/m/2"\n'))
    assert source.clips[0].labels == ("Bird, small", "Dog")
    assert [entry.code for entry in source.classes["classes"]] == ["/m/2", "/m/1"]


def test_vggsound_in_both_forms(tmp_path):
    short = read_source(write(tmp_path / "a" / "test.csv", 'ab-defghijk_000030.mp4,"bird, small"\n')).clips[0]
    whole = read_source(write(tmp_path / "vggsound.csv", 'ab-defghijk,30,"bird, small",test\n')).clips[0]
    for clip in (short, whole):
        assert (clip.clip_id, clip.media, clip.start, clip.end) == (
            "ab-defghijk_000030",
            "ab-defghijk",
            30.0,
            40.0,
        )
        assert (clip.labels, clip.split) == (("bird, small",), "test")


def test_a_data_set_of_avtool_is_a_source(tmp_path):
    chirp_clips(tmp_path / "old")
    partial = open_partial(tmp_path / "data", {}, kind="dataset")
    write_chirp(partial / "clips" / "a.wav")
    write_manifest(partial, [Clip("a", "clips/a.wav", 0.0, 1.0, "val", 3, ("x",), "t", "g", {"conf": 1.0})])
    write(partial / "labels" / "classes.csv", "index,label\n0,y\n1,x\n")
    publish(tmp_path / "data", Artifact("dataset", "x", {}))
    source = read_source(tmp_path / "data")
    clip = source.clips[0]
    assert source.layout == "dataset"
    assert clip.media == str(tmp_path / "data" / "clips" / "a.wav")
    assert (clip.split, clip.fold, clip.text, clip.group, clip.extras) == ("val", 3, "t", "g", {"conf": 1.0})
    assert [entry.label for entry in source.classes["classes"]] == ["y", "x"]


def test_a_sams_list_limits_its_classes(tmp_path):
    folder = make_layouts(tmp_path) / "sams"
    with (folder / "movie_sounds.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["index", "label", "counts"], [0, "grunt", 9], [1, "music", 8]])
    source = read_source(folder)
    assert [entry.label for entry in source.classes["classes"]] == ["grunt", "music"]
    assert (source.clips[0].group, source.clips[0].extras) == ("F", {"sources": ["tv"]})


WORDS = (
    "media YTID label start end youtube_id time_start time_end verb noun id split abcdefghijk /m/1 a.wav "
    'abcdefghijk_000030.mp4 1 -1 1:02 " é\0'
)
CELLS = st.sampled_from([*WORDS.split(" "), "# Segments csv", ""]) | st.text(max_size=5)
TABLES = st.lists(st.lists(CELLS, max_size=6), max_size=6)


@given(TABLES, st.sampled_from([",", ";", "\t", ", "]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_list_holds_it_is_read_or_refused(tmp_path, lines, delimiter):
    path = tmp_path / "list.csv"
    path.write_text("\n".join(delimiter.join(cells) for cells in lines), encoding="utf-8", errors="replace")
    for layout in ("auto", "csv", "audioset", "vggsound", "kinetics", "epic-kitchens", "sams", "esc50"):
        clips, refusal = [], ""
        try:
            clips = read_source(path, layout).clips
        except AvtoolError as error:
            refusal = error.message
        assert bool(clips) != bool(refusal)
        assert "\n" not in refusal
        assert all(clip.clip_id and clip.media and clip.start >= 0 for clip in clips)
        assert all(clip.end is None or clip.end > clip.start for clip in clips)
