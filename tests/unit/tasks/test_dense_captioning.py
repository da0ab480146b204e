"""Captioned films as training samples, a short training, and captions of a film longer than a window."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avtool.captioning.plan import plan_captions
from avtool.captioning.style import load_style
from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.core.reporter import Silent
from avtool.data.items import Item
from avtool.data.manifest import Clip, write_manifest
from avtool.data.vocabulary import Vocabulary, frequent_phrases
from avtool.evaluation.dense_captions.segments import CaptionedSegment
from avtool.evaluation.sound_captions.matching import match_onsets
from avtool.evaluation.sound_captions.track import sound_cues
from avtool.evaluation.sound_captions.written_captions import written_cues
from avtool.inference.captioner import Captioner, ModelOptions, open_captioner
from avtool.inference.dense_captioning.captioner import TASK, DenseCaptioner
from avtool.inference.dense_captioning.film_features import FilmFeatures
from avtool.inference.dense_captioning.streams import FilmStreams
from avtool.jobs.caption.calibrate_captioner import GRID as GRID_OF_THRESHOLDS
from avtool.jobs.caption.calibrate_captioner import choose_threshold
from avtool.jobs.train import plan_training
from avtool.models.masked_transformer.anchors import Anchors
from avtool.tasks.dense_captioning.recipe import DenseCaptioningRecipe
from avtool.tasks.dense_captioning.samples import CaptionedFilm, EventSamples, find_films
from avtool.tasks.dense_captioning.task import DenseCaptioningTask
from avtool.training.run import train_task
from tests.captioned_films import PHRASES, draw_events, film_features, write_captioned

VOCABULARY = Vocabulary.of(["dog barks", "glass breaks"], 1, 6)
GRID = Anchors(40, (2, 4, 8, 12))


def recipe_of(**tables: Any) -> DenseCaptioningRecipe:
    return validate(DenseCaptioningRecipe, tables, "test")


def samples_of(
    times: list[tuple[float, float]], steps: int, *, train: bool = True, **data: Any
) -> EventSamples:
    values = np.arange(steps, dtype=np.float16)[:, None]
    features = FilmFeatures(values, np.arange(steps) + 0.5, "film")
    film = CaptionedFilm(Item("film", Path("film")), np.array(times), ("dog barks",) * len(times))
    recipe = recipe_of(data={"step": 1.0, **data}).data
    return EventSamples([film], [FilmStreams([features], 1.0)], VOCABULARY, GRID, recipe, 0, train=train)


def test_a_window_holds_its_event_wherever_it_lies() -> None:
    samples = samples_of([(50, 58), (1, 3), (95, 99)], 100)
    assert len(samples) == 3
    starts = set()
    for epoch in range(12):
        samples.set_epoch(epoch)
        sample = samples[0]
        first = int(sample["streams"][0, 0])
        starts.add(first)
        assert sample["segment"].tolist() == [50 - first, 58 - first]
        assert 0 <= sample["segment"][0] < sample["segment"][1] <= 40
        overlap = GRID.match(sample["segment"][None].double().numpy())[0]
        assert (overlap[sample["positives"].numpy()] == 0).all()
        decoded = GRID.decode(sample["offsets"].double().numpy(), sample["positives"].numpy())
        assert decoded == pytest.approx(np.repeat(sample["segment"][None].numpy(), 10, 0), abs=1e-4)
    assert len(starts) > 3


def test_a_sample_follows_from_seed_epoch_and_index() -> None:
    one, two = samples_of([(5, 9), (20, 32)], 90), samples_of([(5, 9), (20, 32)], 90)
    for samples in (one, two):
        samples.set_epoch(3)
    assert all((one[1][name] == two[1][name]).all() for name in one[1])


def test_published_windows_begin_with_the_film() -> None:
    samples = samples_of([(3, 11), (36, 44)], 60, from_start=True)
    assert (len(samples), samples.dropped) == (1, 1)
    assert samples[0]["streams"][0, 0] == 0


def test_negatives_serve_nothing_and_lie_beyond_the_margin() -> None:
    events = [(10.0, 14.0), (25.0, 33.0)]
    for margin in (0.0, 3.0):
        samples = samples_of(events, 40, train=False, margin=margin, anchors=200, hard=0.0)
        segments = GRID.segments[samples[0]["negatives"].numpy()]
        owner, largest = GRID.match(np.array(events))
        assert (owner[samples[0]["negatives"].numpy()] == -1).all()
        gaps = np.maximum(segments[:, None, 0] - [14, 33], [10, 25] - segments[:, None, 1]).min(axis=1)
        beside = largest[samples[0]["negatives"].numpy()] == 0
        assert (gaps[beside] >= margin).all()
        assert gaps[beside].min() == margin


def test_a_share_of_negatives_overlaps_an_event() -> None:
    for hard in (0.0, 0.6):
        samples = samples_of([(10, 14)], 40, train=False, hard=hard)
        segments = GRID.segments[samples[0]["negatives"].numpy()]
        beside = ((segments[:, 1] > 10) & (segments[:, 0] < 14)).sum()
        assert beside >= 10 * hard


def test_a_short_film_has_no_negatives_in_its_padding() -> None:
    sample = samples_of([(2, 6)], 20, anchors=200)[0]
    assert sample["streams_mask"].sum() == 20
    assert GRID.segments[sample["negatives"].numpy()].max() <= 20


def test_words_come_from_training_captions_alone(tmp_path: Path) -> None:
    folder = write_captioned(tmp_path)
    text = (folder / "val_1.json").read_text()
    (folder / "val_1.json").write_text(text.replace("slams", "thuds"))
    recipe = recipe_of(data={"features": [str(tmp_path / "features")], "least_words": 1})
    task = DenseCaptioningTask(folder, recipe, Silent())
    assert "slams" in task.vocabulary.words
    assert "thuds" not in task.vocabulary.words
    assert task.phrases == [f"a {phrase}" for phrase in sorted(PHRASES)]


def test_mined_cues_have_their_times_in_the_film(tmp_path: Path) -> None:
    extras = {
        "film": "/films/a.mkv",
        "film_start": 9.0,
        "film_end": 13.0,
        "event_start": 10.0,
        "event_end": 12.0,
    }
    clips = [
        Clip("a/1", "clips/a/1.wav", 0, 4, "train", text="dog barks", group="a", extras=extras),
        Clip("a/2", "clips/a/2.wav", 0, 4, "train", text="[?]", group="a", extras=extras),
        Clip("b/1", "b.mkv", 3, 5, "val", text="glass", group="b", extras=dict.fromkeys(extras)),
    ]
    write_manifest(tmp_path, clips)
    found = find_films(tmp_path / "manifest.parquet", recipe_of().data)
    (train,), (val,) = found.train, found.val
    assert (str(train.item.path), train.times.tolist(), train.texts) == (
        "/films/a.mkv",
        [[10, 12]],
        ("dog barks",),
    )
    assert (val.item.path, val.times.tolist()) == (tmp_path / "b.mkv", [[3, 5]])
    assert [skipped.clip_id for skipped in found.skipped] == ["a/2"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "no features are given"),
        ({"features": ["a=x", "a=y"]}, "two streams are called a"),
        ({"features": ["{features}"], "split": "dev"}, "no captioned event in split `dev`"),
        ({"features": ["{features}"], "best_anchor": False, "positive": 1.0}, "no event is served"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(tmp_path: Path, data: Any, words: str) -> None:
    folder = write_captioned(tmp_path, train=1, val=0)
    texts = [text.format(features=tmp_path / "features") for text in data.get("features", ())]
    recipe = recipe_of(
        data={**data, "features": texts, "step": 0.47, "window": 60},
        model={"name": "masked_transformer_tiny"},
    )
    with pytest.raises((BadInputError, ValueError), match=words):
        DenseCaptioningTask(folder, recipe, Silent()).prepare()


def small_recipe(folder: Path, **loop: Any) -> DenseCaptioningRecipe:
    return recipe_of(
        model={"name": "masked_transformer_published_tiny"},
        data={"features": [str(folder / "features")], "step": 0.5, "window": 60, "least_words": 1},
        loop={"workers": 0, "tensorboard": False, "max_steps": 1, **loop},
        runtime={"device": "cpu", "precision": "fp32"},
    )


def test_a_plan_counts_what_a_step_keeps(tmp_path: Path) -> None:
    captions = write_captioned(tmp_path)
    kept = [
        plan_training(TASK, captions, small_recipe(tmp_path, batch_size=size), Silent()).activations_mib
        for size in (4, 8)
    ]
    assert kept[1] / kept[0] == pytest.approx(2, abs=0.1)


def test_a_mask_network_of_batch_norms_takes_no_batch_of_one(tmp_path: Path) -> None:
    captions, recipe = write_captioned(tmp_path), small_recipe(tmp_path, batch_size=1)
    with pytest.raises(BadInputError, match="one value a channel"):
        plan_training(TASK, captions, recipe, Silent())
    with pytest.raises(BadInputError, match="one value a channel"):
        train_task(DenseCaptioningTask(captions, recipe, Silent()), tmp_path / "run")


def test_phrases_are_counted_without_brackets_and_capitals() -> None:
    assert frequent_phrases(["[Dog barks]", "dog barks.", "(glass)"], 2) == ["dog barks"]


@pytest.mark.slow
def test_what_is_learned_is_written_over_a_long_film(tmp_path: Path) -> None:
    folder = write_captioned(tmp_path, train=24, val=1)
    recipe = recipe_of(
        model={"name": "masked_transformer_tiny", "arguments": {"anchors": [4, 6, 9]}},
        data={
            "features": [str(tmp_path / "features")],
            "step": 0.5,
            "window": 60,
            "least_words": 1,
            "negative": 0.5,
        },
        loop={
            "epochs": 25,
            "batch_size": 16,
            "workers": 0,
            "tensorboard": False,
            "validate_every": "25 epochs",
        },
        optimizer={"lr": 3e-3},
        ema={"decay": 0.9},
        runtime={"device": "cpu", "precision": "fp32"},
    )
    train_task(DenseCaptioningTask(folder, recipe, Silent()), tmp_path / "run")
    events = draw_events(300.0, 777)  # ten windows
    np.save(tmp_path / "features" / "long.npy", film_features(events, 300.0, 777))
    captioner = open_captioner(tmp_path / "run", ModelOptions(), Silent())
    found = captioner.listen(Item("long", Path("long")), Silent())
    assert found.seconds == 300
    right = 0
    for start, end, phrase in events:
        matches = [one for one in found.events if abs(one.start - start) <= 1 and abs(one.end - end) <= 1]
        right += any(one.phrase == f"a {PHRASES[phrase]}" for one in matches)
        assert len(matches) <= 1, "a window's edge doubles nothing"
    assert right >= 0.9 * len(events)
    assert len(found.events) <= 1.1 * len(events)
    _check_thresholds(tmp_path, captioner, events)


def _check_thresholds(folder: Path, captioner: Captioner, events: list[tuple[float, float, int]]) -> None:
    """The threshold that is chosen has the best captions when films are listened to again with it."""
    assert isinstance(captioner, DenseCaptioner)
    truth = {"long": sound_cues([CaptionedSegment(a, b, f"a {PHRASES[n]}") for a, b, n in events])}
    style = load_style("netflix")
    choice = choose_threshold(captioner, truth, style, 1.0, Silent())
    again = {}
    for threshold in GRID_OF_THRESHOLDS:
        sounds = captioner.at(threshold).listen(Item("long", Path("long")), Silent())
        cues = written_cues(plan_captions(sounds.events, style, duration=sounds.seconds))
        again[threshold] = 2 * len(match_onsets(cues, truth["long"], 1.0)) / (len(cues) + len(events))
    assert again[choice.threshold] == pytest.approx(choice.counts.f1)
    best = max(again.values())
    error = (best * (1 - best) / len(events)) ** 0.5
    near = [threshold for threshold, found in again.items() if found >= best - 1.2 * error]
    assert choice.threshold >= max(
        threshold for threshold, found in again.items() if found >= best - 0.8 * error
    )
    assert choice.threshold in near
    table = folder / "thresholds.csv"
    table.write_text(f"label,threshold\nany caption,{choice.threshold}\n", encoding="utf-8")
    opened = open_captioner(folder / "run", ModelOptions(thresholds=table), Silent())
    assert isinstance(opened, DenseCaptioner)
    assert opened.decoding.threshold == choice.threshold
    table.write_text("label,threshold\nBark,0.5\n", encoding="utf-8")
    with pytest.raises(BadInputError, match="has no threshold of `any caption`"):
        open_captioner(folder / "run", ModelOptions(thresholds=table), Silent())
