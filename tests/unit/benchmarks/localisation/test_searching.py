"""Benchmarks of query localisation with an engine: films are searched, a submission written and scored."""

import json
from pathlib import Path

import numpy as np
import pytest

from avtool.benchmarks import find_benchmark
from avtool.benchmarks.localisation.searching import QuerySearch
from avtool.benchmarks.localisation.settings import LocalisationSettings
from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.core.reporter import Recorder, Silent
from avtool.inference.localisation.film_index import open_index
from tests.grounding_models import save_grounding
from tests.queried_films import HEIGHT, SIDE, WIDTH, place_of, spans_of, write_queried
from tests.unit.data.queries.annotations import mq, nlq, videos, vq, write

FPS = 4


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films, `0` and `1`, with their indexes in `index`, and a network with random weights."""
    folder = write_queried(tmp_path_factory.mktemp("searched") / "films", train=2, val=0).parent
    save_grounding(folder)
    return folder


def content(*annotations, seconds=8.0):
    """Annotations of clips `0`, `1`, …, 8 s long, at 4 frames a second."""
    found = videos(*annotations)
    for number, video in enumerate(found["videos"]):
        clip = video["clips"][0]
        clip |= {"clip_uid": str(number), "video_start_sec": 0, "video_end_sec": seconds, "clip_fps": FPS}
    return found


def square(film):
    """The annotation of the red square in a film; the crop is a frame behind what is searched."""
    first, last = spans_of(film)[0]
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    track = [
        {"frame_number": frame, "x": left, "y": top, "width": SIDE, "height": SIDE, **size}
        for frame in range(round(first * FPS), round(last * FPS))
        for left, top in [place_of(film, frame / FPS)]
    ]
    return vq([], response_track=track, visual_crop=track[-1], query_frame=track[-1]["frame_number"] + 1)


def run(name, path, folder, **keys):
    values = {"data": path, "films": folder / "index", "runtime": {"device": "cpu", "precision": "fp32"}}
    benchmark = find_benchmark(name)
    settings = validate(LocalisationSettings, values | keys, origin="x")
    reporter = Recorder()
    return benchmark.run(settings, reporter), reporter


def test_tubes_by_similarity(tmp_path, films):
    path = write(tmp_path / "vq_val.json", content(square(0), square(1)))
    out = tmp_path / "mine.json"
    report, _ = run("ego4d-vq2d", path, films, engine="similarity", submission=out)
    assert report.metrics["missing_queries"] == 0
    assert report.metrics["success"] > 0
    assert any("2 queries in 2 of 2 films" in note for note in report.notes)
    again, _ = run("ego4d-vq2d", path, films, films=None, predictions=out)
    assert {name: again.metrics[name] for name in report.metrics} == report.metrics
    tubes = json.loads(out.read_text())["results"]["videos"]
    frames = [
        one["fno"] for one in tubes[0]["clips"][0]["predictions"][0]["query_sets"]["1"]["bboxes"]
    ]  # fmt: skip
    assert max(frames) < round(spans_of(0)[0][1] * FPS)  # only what lies before the query is searched


@pytest.mark.parametrize(
    ("name", "file", "annotations"),
    [
        ("ego4d-nlq", "nlq_val.json", [nlq(("a red square", 1, 3), ("", 0, 0)), nlq(("it", 2, 2))]),
        ("ego4d-mq", "moments_val.json", [mq(("square", 1, 3, True)), mq(("take_tone", 2, 4, True))]),
        ("ego4d-vq2d", "vq_val.json", [square(0), square(1)]),
    ],
)
def test_a_network_beside_similarity(tmp_path, films, name, file, annotations):
    path = write(tmp_path / file, content(*annotations))
    out = tmp_path / "mine.json"
    report, reporter = run(name, path, films, model=films / "model", submission=out)
    assert report.metrics["missing_queries"] == 0
    assert reporter.warnings == []
    floor = "similarity engine"
    if name == "ego4d-vq2d":
        assert floor in report.metrics["baselines"]
    else:  # random encoders: nothing compares a text with them
        assert any(note.startswith(f"{floor}: nothing compares") for note in report.notes)
    again, _ = run(name, path, films, films=None, predictions=out)
    for key in ("mAP", "mean R1", "stAP", "R@1x, 0.5", "recovery"):
        assert again.metrics.get(key) == report.metrics.get(key)


def test_the_same_search_is_the_same(tmp_path, films):
    path = write(tmp_path / "nlq_val.json", content(nlq(("a red square", 1, 3)), nlq(("a tone", 2, 4))))
    for name in ("one.json", "two.json"):
        run("ego4d-nlq", path, films, model=films / "model", submission=tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_moments_highlights_and_sentences(tmp_path, films):
    line = {"qid": 1, "query": "a red square", "vid": "0", "duration": 8, "relevant_windows": [[2, 4]]}
    line |= {"relevant_clip_ids": [1], "saliency_scores": [[3, 4, 4]]}
    path = write(tmp_path / "highlight_val_release.jsonl", [line])
    report, _ = run("qvhighlights", path, films, model=films / "model")
    assert {"mAP", "HL mAP", "HIT@1"} <= set(report.metrics)
    (tmp_path / "charades_sta_test.txt").write_text("0 1.0 3.0##a red square.\n1 2 4##a tone\n")
    report, _ = run("charades-sta", tmp_path / "charades_sta_test.txt", films, model=films / "model")
    assert report.metrics["missing_queries"] == 0


def test_activities_are_searched_for_every_label(tmp_path, films):
    path = write(tmp_path / "moments_val.json", content(mq(("square", 1, 3, True)), mq(("tone", 2, 4, True))))
    given = {"data": path, "films": films / "index", "engine": "similarity"}
    search = QuerySearch("activities", path, LocalisationSettings(**given), Silent())
    assert [row.query_id for row in search.table] == ["0/square", "0/tone", "1/square", "1/tone"]
    search = QuerySearch("activities", path, LocalisationSettings(**given, given_labels=True), Silent())
    assert [row.query_id for row in search.table] == ["0/square", "1/tone"]
    report, _ = run("ego4d-mq", path, films, model=films / "model", given_labels=True)
    assert any("its own labels alone" in note for note in report.notes)


def test_films_that_are_not_there_are_missing(tmp_path, films):
    path = write(tmp_path / "nlq_val.json", content(*[nlq(("a", 1, 3))] * 3))
    report, reporter = run("ego4d-nlq", path, films, model=films / "model")
    assert report.metrics["missing_queries"] == 1
    assert any("1 of 3 queries have no prediction" in warning for warning in reporter.warnings)
    assert any("2 queries in 2 of 3 films" in note for note in report.notes)


def test_films_without_an_index_are_indexed(tmp_path, films, monkeypatch):
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    path = write(tmp_path / "nlq_val.json", content(nlq(("a red square", 1, 3)), nlq(("a tone", 2, 4))))
    card = open_index(films / "index" / "0").card
    index = {
        "fps": FPS, "size": card.size, "hop": 0.25, "visual_encoder": str(films / "backbone"),
        "audio_encoder": str(films / "sounds"),
    }  # fmt: skip
    made, indexed = tmp_path / "made.json", tmp_path / "indexed.json"
    run("ego4d-nlq", path, films, films=films, index=index, model=films / "model", submission=made)
    run("ego4d-nlq", path, films, model=films / "model", submission=indexed)
    assert made.read_bytes() == indexed.read_bytes()


def test_a_test_set_is_searched_and_not_scored(tmp_path, films):
    queries = [{"annotation_uid": "a", "language_queries": [{"query": "a red square"}, {"query": "a tone"}]}]
    path, out = write(tmp_path / "nlq_test.json", content(queries)), tmp_path / "mine.json"
    report, _ = run("ego4d-nlq", path, films, model=films / "model", submission=out)
    assert [one["query_idx"] for one in json.loads(out.read_text())["results"]] == [0, 1]
    assert "mean R1" not in report.metrics
    assert any("nothing scored" in note for note in report.notes)
    with pytest.raises(BadInputError, match="no finite numbers"):
        run("ego4d-nlq", path, films, model=films / "model")
    crop = square(0)
    del crop[0]["query_sets"]["1"]["response_track"]
    path = write(tmp_path / "vq_test.json", content(crop))
    run("ego4d-vq2d", path, films, engine="similarity", submission=out)
    (clip,) = json.loads(out.read_text())["results"]["videos"][0]["clips"]
    assert clip["predictions"][0]["query_sets"]["1"]["bboxes"]
    path = write(tmp_path / "moments_test.json", content([]))
    with pytest.raises(BadInputError, match="has no queries to look for"):
        run("ego4d-mq", path, films, engine="similarity", submission=out)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"engine": "similarity", "films": None}, "an engine needs films"),
        ({"engine": "grounding"}, "needs a trained network"),
        ({"engine": "similarity", "predictions": Path("x.json")}, "give one"),
        ({"films": Path("/nowhere"), "engine": "similarity"}, "is no folder"),
        ({"engine": "similarity", "ranking": {"tops": 3}}, "tops"),
        ({"engine": "similarity"}, "nothing compares a text"),
        ({"model": Path("sounds")}, "the model is of the task"),
    ],
)
def test_bad_input(tmp_path, films, keys, message):
    path = write(tmp_path / "nlq_val.json", content(nlq(("a", 1, 3))))
    if "model" in keys:
        keys = {"model": films / keys["model"]}
    with pytest.raises(BadInputError, match=message):
        run("ego4d-nlq", path, films, **keys)


def test_a_folder_without_the_films(tmp_path, films):
    path = write(tmp_path / "nlq_val.json", content(nlq(("a", 1, 3))))
    with pytest.raises(BadInputError, match="has no film or index of the annotations, such as `0`"):
        run("ego4d-nlq", path, films, films=tmp_path, engine="similarity")


def test_scores_are_finite(tmp_path, films):
    path = write(tmp_path / "nlq_val.json", content(nlq(("a red square", 1, 3))))
    settings = LocalisationSettings(data=path, films=films / "index", model=films / "model")
    searched = QuerySearch("sentences_ego4d", path, settings, Silent()).run(films / "model")
    (located,) = searched.found.values()
    assert 1 <= len(located.hits) <= 5
    assert all(0 <= hit.score <= 1 and 0 <= hit.start < hit.end <= 8 for hit in located.hits)
    assert np.isfinite(located.scores.foreground).all()
