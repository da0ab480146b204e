"""Converters: every published form by a fixture of two videos, their keys beside the readers', damage."""

import json

import pytest

from avtool.core.errors import BadInputError
from avtool.data.queries.collector import ConvertOptions
from avtool.data.queries.convert import CONVERTERS, convert
from avtool.data.queries.ego4d import canonical_sentence
from avtool.data.queries.table import read_queries, write_queries
from avtool.data.readers.ego4d import read_moments, read_nlq, read_vq
from tests.unit.data.queries.annotations import box, mined, mq, nlq, qvhighlights, videos, vq, write

SENTENCES = videos(
    nlq(("Where is the mug? ", 3.0, 5.5), ("", 0, 0), ("What did I put in", 7, 7)),
    nlq(("where was I", 0.25, 59.0)),
)
ACTIVITIES = videos(
    mq(("use_phone", 1.0, 4.0, True), ("use_phone", 8, 9, True), ("cut_food", 1, 2, False)),
    mq(("cut_food", 2, 3.5, True)),
)
TRACKS = videos(vq([104, 102, 103]), vq([10, 11]))


def _convert(name, path, content, **options):
    return convert(name, write(path, content), ConvertOptions(**options))


def test_sentences(tmp_path):
    found = _convert("ego4d-nlq", tmp_path / "nlq_train.json", SENTENCES, zero_length="keep")
    one, empty, other = found.rows
    assert (one.query, one.start, one.end, one.kind) == ("where is the mug?", 3.0, 5.5, "text")
    assert (one.media, one.video, one.clip, one.annotation, one.index) == ("c0", "v0", "c0", "a", "0")
    assert (one.split, other.split, one.group, one.duration) == ("train", "val", "v0", 60.0)
    assert (empty.start, empty.end, found.zero_length) == (7.0, 7.0, 1)
    assert found.skipped == {"queries without a sentence": 1}
    keys = [one.key for one in read_nlq(tmp_path / "nlq_train.json") if one.text]
    assert [row.query_id for row in found.rows] == keys


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(" Where IS it?? ", "where is it?"), ("x", "x?"), ("?", ""), (None, ""), (3, "")],
)
def test_sentences_are_normalised(text, sentence):
    assert canonical_sentence(text) == sentence


@pytest.mark.parametrize(
    ("rule", "windows"),
    [("drop", []), ("keep", [(7, 7)]), ("pad", [(6, 8)])],
)
def test_segments_without_a_length(tmp_path, rule, windows):
    found = _convert("ego4d-nlq", tmp_path / "nlq.json", SENTENCES, zero_length=rule, pad=2.0)
    assert found.zero_length == 1
    assert [(row.start, row.end) for row in found.rows if row.index == "2"] == windows


@pytest.mark.parametrize(("time", "padded"), [(0, (0, 2)), (60, (58, 60))])
def test_padding_stays_in_the_film(tmp_path, time, padded):
    content = videos(nlq(("x", time, time)))
    (row,) = _convert("ego4d-nlq", tmp_path / "nlq.json", content, zero_length="pad", pad=2.0).rows
    assert (row.start, row.end) == padded


def test_activities(tmp_path):
    found = _convert("ego4d-mq", tmp_path / "moments_train.json", ACTIVITIES)
    assert [(row.query_id, row.query, row.start, row.end) for row in found.rows] == [
        ("c0/use_phone", "use_phone", 1.0, 4.0),
        ("c0/use_phone", "use_phone", 8.0, 9.0),
        ("c1/cut_food", "cut_food", 2.0, 3.5),
    ]
    assert found.skipped == {"labels that are not primary": 1}
    truth = {one.clip: one.instances for one in read_moments(tmp_path / "moments_train.json")}
    assert truth == {
        "c0": {"use_phone": ((1.0, 4.0), (8.0, 9.0))},
        "c1": {"cut_food": ((2.0, 3.5),)},
    }


def test_visual_queries(tmp_path):
    found = _convert("ego4d-vq", tmp_path / "vq_train.json", TRACKS)
    row, other = found.rows
    assert (row.start, row.end, row.fps, row.search_end) == (20.4, 21.0, 5.0, 40.0)
    assert row.boxes == tuple((frame / 5, 10.0, 5.0, 20.0, 30.0) for frame in (102, 103, 104))
    assert (row.frame_size, row.query_start, row.query_box) == ((100, 50), 42.0, (10, 5, 20, 30))
    assert (row.query, row.query_name, other.query_id) == ("c0", "red mug", "v1/c1/0/1")
    assert found.skipped == {"queries that are not valid": 2}
    assert [one.key for one in read_vq(tmp_path / "vq_train.json")] == [one.query_id for one in found.rows]


def test_highlights(tmp_path):
    found = _convert("qvhighlights", tmp_path / "highlight_val_release.jsonl", qvhighlights())
    assert [(row.query_id, row.media, row.start, row.end, row.split) for row in found.rows] == [
        ("7", "d_0_150", 0, 2, "val"),
        ("7", "d_0_150", 10, 20, "val"),
        ("9", "e_0_150", 4, 8, "val"),
    ]


def test_charades_sta(tmp_path):
    path = tmp_path / "charades_sta_test.txt"
    path.write_text("3MSZA 24.3 30.4##person turn a light on.\nAMT7R 0.0 6.0##a person sits.\n")
    found = convert("charades-sta", path, ConvertOptions())
    assert [(row.query_id, row.media, row.query, row.start, row.split) for row in found.rows] == [
        ("1", "3MSZA", "person turn a light on.", 24.3, "test"),
        ("2", "AMT7R", "a person sits.", 0.0, "test"),
    ]


def test_media_of_clips_and_of_whole_videos(tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    (films / "c0.mp4").touch()
    (films / "v1.mkv").touch()
    found = _convert("ego4d-vq", tmp_path / "vq.json", TRACKS, media=films)
    clip, whole = found.rows
    assert (clip.media, clip.offset, clip.start) == (str(films / "c0.mp4"), 0.0, 20.4)
    assert (whole.media, whole.offset, whole.start, whole.search_end) == (
        str(films / "v1.mkv"),
        100.0,
        102.0,
        140.0,
    )
    assert (whole.boxes[0][0], whole.query_start, whole.query) == (102.0, 142.0, whole.media)
    lost = _convert("ego4d-nlq", tmp_path / "nlq.json", SENTENCES, media=tmp_path / "films")
    assert lost.lost == set()
    (films / "v1.mkv").unlink()
    assert _convert("ego4d-nlq", tmp_path / "nlq.json", SENTENCES, media=films).lost == {"c1"}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("ego4d-vq", "vq.json", TRACKS),
        ("ego4d-nlq", "nlq.json", SENTENCES),
        ("ego4d-mq", "moments.json", ACTIVITIES),
        ("qvhighlights", "highlights.jsonl", qvhighlights()),
    ],
)
def test_tables_of_conversions_are_read_back(tmp_path, suffix, name, file, content):
    found = _convert(name, tmp_path / file, content)
    write_queries(found.table(), tmp_path / f"queries{suffix}")
    assert read_queries(tmp_path / f"queries{suffix}").rows == tuple(found.rows)


def test_a_mined_dataset(tmp_path):
    mined(tmp_path)
    found = convert("dataset", tmp_path, ConvertOptions(audio_queries=5))
    rows = {kind: [row for row in found.rows if row.kind == kind] for kind in ("label", "text", "audio")}
    assert [(row.query_id, row.start, row.end) for row in rows["label"]] == [
        ("a/label/door", 3.0, 4.0),
        ("a/label/door", 9.0, 10.0),
        ("a/label/bell", 9.0, 10.0),
        ("b/label/door", 5.0, 6.0),
        ("c/label/door", 2.0, 3.0),
    ]
    assert {row.media for row in rows["label"]} == {f"/films/{film}.mkv" for film in "abc"}
    assert [row.query for row in rows["text"]] == ["door loudly"] * 4
    sounds = {(row.group, row.query.removeprefix(f"{tmp_path}/"), row.start) for row in rows["audio"]}
    assert sounds == {
        ("a", "clips/b/1.wav", 3.0),
        ("a", "clips/b/1.wav", 9.0),
        ("b", "clips/a/1.wav", 5.0),
        ("b", "clips/a/2.wav", 5.0),
    }
    assert all((row.query_start, row.query_end) == (0.0, 2.0) for row in rows["audio"])
    assert found.skipped == {
        "events without a caption, for text queries": 1,
        "labels of a film that no other film of the split has, for audio queries": 2,
    }


def test_the_choice_of_a_mined_dataset(tmp_path):
    mined(tmp_path)
    found = convert("dataset", tmp_path, ConvertOptions(kinds=("label",), absent=3))
    absent = [(row.group, row.query) for row in found.rows if row.absent]
    assert absent == [("b", "bell"), ("c", "bell")]
    one = convert("dataset", tmp_path, ConvertOptions(kinds=("audio",)))
    assert len({row.query_id for row in one.rows}) == 2
    assert one.rows == convert("dataset", tmp_path, ConvertOptions(kinds=("audio",))).rows


@pytest.mark.parametrize(
    ("name", "content", "message", "kept"),
    [
        (
            "ego4d-nlq",
            videos(nlq(("x", 5, 4), ("y", 1, 2))),
            "video 0, clip 0, annotation 0, query 0 ends at 4 s and starts at 5 s",
            1,
        ),
        ("ego4d-nlq", videos(nlq(("x", float("nan"), 4), ("y", 1, 2))), "start and end are NaN and 4", 1),
        ("ego4d-mq", videos(mq(("x", None, 4, True), ("y", 1, 2, True))), "label 0: start and end", 1),
        ("ego4d-vq", videos(vq([10, 11, 13])), "query 1: box 2 is 0.4 s behind", 1),
        ("ego4d-vq", videos(vq([10, 12])), "box 1 is 0.4 s behind the one before, the others 0.2 s", 1),
        ("ego4d-vq", videos(vq([10, 10]), vq([3])), "box 1 is at 2 s, behind one at 2 s", 1),
        ("ego4d-vq", videos(vq([10], response_track=[box(10, x=95)])), "outside the frame of 100 × 50", 1),
    ],
)  # fmt: skip
def test_wrong_segments_are_refused_or_fixed(tmp_path, name, content, message, kept):
    with pytest.raises(BadInputError, match=message) as error:
        _convert(name, tmp_path / "x.json", content)
    assert "--fix" in error.value.hint
    found = _convert(name, tmp_path / "x.json", content, fix=True)
    assert len(found.rows) == kept
    assert found.problems.dropped + found.problems.clipped + len(found.skipped) >= 1


def test_a_track_is_cut_to_what_follows_the_last_missing_frame(tmp_path):
    (row,) = _convert("ego4d-vq", tmp_path / "x.json", videos(vq([10, 11, 20, 21])), fix=True).rows
    assert (row.start, row.end, len(row.boxes)) == (4.0, 4.4, 2)


@pytest.mark.parametrize("name", sorted(CONVERTERS.keys() - {"dataset", "charades-sta", "qvhighlights"}))
def test_a_file_that_was_cut_off(tmp_path, name):
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(SENTENCES)[:200])
    with pytest.raises(BadInputError, match="is no JSON") as error:
        convert(name, path, ConvertOptions(fix=True))
    assert "cut off" in error.value.hint


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ego4d-vq", SENTENCES, "no object `query_sets`"),
        ("ego4d-nlq", TRACKS, "no text `annotation_uid`"),
        ("ego4d-mq", {"videos": 3}, "no list `videos`, but 3"),
        ("ego4d-vq", videos(vq([3], visual_crop=None)), "no object `visual_crop`"),
        ("ego4d-vq", videos(vq([3], response_track=[4])), "response 0 is 4, no box"),
        ("ego4d-nlgq", SENTENCES, "no annotations `ego4d-nlgq`"),
    ],
)
def test_wrong_files(tmp_path, name, content, message):
    with pytest.raises(BadInputError, match=message):
        _convert(name, tmp_path / "x.json", content)


UNTIMED = [
    ("ego4d-nlq", "nlq.json", videos([{"annotation_uid": "a", "language_queries": [{"query": "Where?"}]}])),
    ("ego4d-vq", "vq.json", videos(vq([], response_track=None))),
    ("qvhighlights", "test.jsonl", [{"qid": 7, "query": "A dog", "vid": "d_0_150", "duration": 150}]),
]


@pytest.mark.parametrize(("name", "file", "content"), UNTIMED)
def test_queries_of_a_test_set(tmp_path, name, file, content):
    (row,) = _convert(name, tmp_path / file, content, untimed=True).rows
    assert (row.absent, row.start, row.end, row.boxes) == (True, 0, 0, ())
    with pytest.raises(BadInputError):
        _convert(name, tmp_path / file, content)
    write_queries(_convert(name, tmp_path / file, content, untimed=True).table(), tmp_path / "queries.csv")
    assert read_queries(tmp_path / "queries.csv").rows == (row,)


def test_segments_behind_what_is_searched_are_counted(tmp_path):
    found = _convert("ego4d-nlq", tmp_path / "x.json", videos(nlq(("x", 61, 62), ("y", 1, 2))))
    assert (len(found.rows), found.outside) == (2, 1)
