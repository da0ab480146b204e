"""Tables inside folders of media label them, whatever their names, places and formats."""

import json
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.data.readers.layouts import detect_layout, read_source
from tests.layouts import touch, write


def labels(source) -> dict:
    return {clip.media: (clip.labels, clip.split) for clip in source.clips}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,label\naudio/a.wav,dog\naudio/b.wav,cat\n"),
        ("meta/labels.csv", "fname;category\na;dog\nb;cat\n"),
        ("notes/strong.tsv", "filename\tonset\toffset\tevent_label\na.wav\t0\t1\tdog\nb.wav\t0\t1\tcat\n"),
        ("metadata.jsonl", '{"file_name": "audio/a", "label": "dog"}\n{"file_name": "b", "label": "cat"}'),
        ("audio/metadata.jsonl", '{"file": "a.wav", "tags": ["dog"]}\n\n{"file": "b.wav", "tags": "cat"}'),
    ],
)  # fmt: skip
def test_a_table_wins_over_the_names_of_folders(tmp_path: Path, name: str, text: str) -> None:
    touch(tmp_path, "audio/a.wav", "audio/b.wav")
    write(tmp_path / name, text)
    assert detect_layout(tmp_path) == "csv-folder"
    assert [clip.labels for clip in read_source(tmp_path).clips] == [("dog",), ("cat",)]


def test_tables_beside_their_media_give_the_split(tmp_path: Path) -> None:
    for split, label in (("train", "dog"), ("test", "cat")):
        touch(tmp_path / split, "1.wav")
        write(tmp_path / split / "metadata.csv", f"file_name,label\n1.wav,{label}\n")
    found = labels(read_source(tmp_path))
    assert found == {"test/1.wav": (("cat",), "test"), "train/1.wav": (("dog",), "train")}


@pytest.mark.parametrize(
    ("files", "tables"),
    [
        (("a/1.wav", "b/2.wav"), {"train.csv": "1.wav,dog", "test_post_competition.csv": "2.wav,cat"}),
        (("data/train/1.wav", "data/test/2.wav"), {"l.csv": "data/train/1.wav,dog\ndata/test/2.wav,cat"}),
    ],
)
def test_words_of_tables_and_folders_give_the_split(tmp_path: Path, files: tuple, tables: dict) -> None:
    touch(tmp_path, *files)
    for name, rows in tables.items():
        write(tmp_path / name, f"fname,label\n{rows}\n")
    found = sorted((clip.labels, clip.split) for clip in read_source(tmp_path).clips)
    assert found == [(("cat",), "test"), (("dog",), "train")]


def test_lists_of_media_give_the_split(tmp_path: Path) -> None:
    touch(tmp_path, "yes/1.wav", "yes/2.wav", "no/3.wav")
    write(tmp_path / "validation_list.txt", "no/3.wav\n")
    write(tmp_path / "testing_list.txt", "yes\\2.wav\n\n")
    source = read_source(tmp_path)
    assert {clip.media: clip.split for clip in source.clips} == {
        "yes/1.wav": "train", "yes/2.wav": "test", "no/3.wav": "val",
    }  # fmt: skip
    assert not source.notes


def test_a_text_file_that_names_media_and_is_not_read_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "x/1.wav", "y/2.wav")
    write(tmp_path / "labels.txt", "1.wav dog\n2.wav cat\n")
    write(tmp_path / "testing_list.txt", "no/such.wav\n")
    write(tmp_path / "README.txt", "Two sounds.\n")
    source = read_source(tmp_path)
    assert source.notes == ("`labels.txt` not read: the labels are the names of the folders",)
    assert {clip.split for clip in source.clips} == {""}


def test_fsd50k(tmp_path: Path) -> None:
    touch(tmp_path, "FSD50K.dev_audio/1.wav", "FSD50K.dev_audio/2.wav", "FSD50K.eval_audio/3.wav")
    truth = tmp_path / "FSD50K.ground_truth"
    write(truth / "dev.csv", 'fname,labels,mids,split\n1,"Bark,Dog","/m/1,/m/2",train\n2,Dog,/m/2,val\n')
    write(truth / "eval.csv", "fname,labels,mids\n3,Bark,/m/1\n")
    write(truth / "vocabulary.csv", "0,Dog,/m/2\n1,Bark,/m/1\n")
    write(tmp_path / "FSD50K.metadata" / "collection_dev.csv", "fname,labels\n1,Other\n")
    source = read_source(tmp_path)
    assert source.layout == "fsd50k"
    assert labels(source) == {
        "1": (("Bark", "Dog"), "train"), "2": (("Dog",), "val"), "3": (("Bark",), "test"),
    }  # fmt: skip
    assert [entry.label for entry in source.classes["classes"]] == ["Dog", "Bark"]


def test_urbansound8k_is_read_as_whole_files_by_recording(tmp_path: Path) -> None:
    touch(tmp_path, "audio/fold1/7-3-0-0.wav", "audio/fold10/9-1-0-0.wav")
    header = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
    rows = "7-3-0-0.wav,7,58.5,62.5,1,1,3,dog_bark\n9-1-0-0.wav,9,1,2,2,10,1,car_horn\n"
    write(tmp_path / "metadata" / "UrbanSound8K.csv", header + rows)
    for path in (tmp_path, tmp_path / "metadata" / "UrbanSound8K.csv"):
        source = read_source(path)
        assert [(c.media, c.start, c.end, c.fold, c.labels, c.group) for c in source.clips] == [
            ("fold1/7-3-0-0.wav", 0.0, None, 1, ("dog_bark",), "7"),
            ("fold10/9-1-0-0.wav", 0.0, None, 10, ("car_horn",), "9"),
        ]
        assert [entry.label for entry in source.classes["classes"]] == ["car_horn", "dog_bark"]


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("event_labels", "Speech,Dishes", ("Speech", "Dishes")),
        ("labels", "Electric_guitar,Guitar", ("Electric_guitar", "Guitar")),
        ("labels", "Male speech, man speaking", ("Male speech, man speaking",)),
        ("label", "a,b", ("a,b",)),
        ("labels", "a;b,c", ("a", "b,c")),
    ],
)
def test_several_labels_in_a_cell(tmp_path: Path, column: str, cell: str, expected: tuple) -> None:
    path = write(tmp_path / "weak.tsv", f"filename\t{column}\nx.wav\t{cell}\n")
    assert read_source(path).clips[0].labels == expected


def test_tables_that_differ_about_a_clip_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    for name, label in (("one.csv", "dog"), ("two.csv", "cat")):
        write(tmp_path / name, f"file,label\na.wav,{label}\n")
    with pytest.raises(BadInputError, match=r"one.csv line 2 and two.csv line 2 label `a.wav` differently"):
        read_source(tmp_path)
    write(tmp_path / "two.csv", "file,label\na.wav,dog\n")
    assert len(read_source(tmp_path).clips) == 1


def test_jsonl_that_is_none_is_one_line(tmp_path: Path) -> None:
    for bad in ("[1]", "{", '{"file": ' + "[" * 100_000):
        path = write(tmp_path / "x.jsonl", '{"file": "a.wav", "label": "x"}\n' + bad)
        with pytest.raises(BadInputError, match="line 2 is no JSON object"):
            read_source(path)


def test_folders_that_hold_all_others_are_no_labels(tmp_path: Path) -> None:
    touch(tmp_path, "data/audio/dog/1.wav", "data/audio/cat/b/2.wav")
    assert [clip.labels for clip in read_source(tmp_path).clips] == [("cat",), ("dog",)]


def test_folders_that_are_folds_are_no_labels(tmp_path: Path) -> None:
    touch(tmp_path, "audio/fold1/dog/1.wav", "audio/fold02/cat/1.wav")
    found = [(clip.fold, clip.labels) for clip in read_source(tmp_path).clips]
    assert found == [(2, ("cat",)), (1, ("dog",))]


def test_doubts_about_labels_are_told(tmp_path: Path) -> None:
    touch(tmp_path, "audio/1.wav", "audio/2.wav")
    write(tmp_path / "labels.json", json.dumps({"1.wav": "dog"}))
    write(tmp_path / "features.csv", "name,energy\n1,0.5\n")
    one, two = read_source(tmp_path).notes
    assert one == "`features.csv`, `labels.json` not read: the labels are the names of the folders"
    assert two == "all 2 clips have the label `audio`, the name of their folder"


@pytest.mark.parametrize("fold", ["9" * 5000, "99999999999", "1.5", "-1", "١"])
def test_numbers_that_are_no_folds_are_one_line(tmp_path: Path, fold: str) -> None:
    path = write(tmp_path / "t.csv", f"media,label,fold\na.wav,x,{fold}\n")
    with pytest.raises(BadInputError, match=r"line 2: `.* is not a fold's number") as caught:
        read_source(path)
    assert len(caught.value.message) < 300
