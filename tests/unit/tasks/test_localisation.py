"""Query localisation: queries in frames, samples, what is refused, and a training by the one loop."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import avtool
from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data.queries.table import QueryRow, QueryTable, read_queries, write_queries
from avtool.inference.localisation.film_index import FilmIndex, IndexCard, StreamCard, open_index
from avtool.inference.localisation.grounding_card import GroundingCard
from avtool.models.load import load_model
from avtool.tasks.localisation.queries import find_queries, frame_query
from avtool.tasks.localisation.recipe import LocalisationRecipe, QueriedFilmsRecipe
from avtool.tasks.localisation.samples import QueryWindows, collate_windows
from avtool.tasks.localisation.task import LocalisationTask
from avtool.tasks.localisation.validation import some_queries
from avtool.training.run import train_task
from tests.queried_films import KINDS, write_queried

torch.set_num_threads(1)
RUN = {
    "runtime": {"device": "cpu", "precision": "fp32"},
    "loop": {"workers": 0, "batch_size": 4, "tensorboard": False},
}
STREAM = StreamCard("encoder", "0" * 64, 2, 3, 3)


def index_of(frames: int, *, step: float = 0.5, visual: bool = True, audio: bool = True) -> FilmIndex:
    """An index whose features are the numbers of its frames."""
    numbers = np.arange(frames, dtype=np.float16)[:, None, None]
    card = IndexCard(
        "film.mp4", "0", frames * step, step, (200, 100), 64, (1, 2),
        STREAM if visual else None, STREAM if audio else None,
    )  # fmt: skip
    values = np.broadcast_to(numbers, (frames, 2, 3))
    parts = (values if visual else None, values if audio else None)
    return FilmIndex(Path("idx"), card, np.arange(frames) * step, *parts, None, None)


def row(start: float, end: float, **more: Any) -> QueryRow:
    return replace(QueryRow("q", "film.mp4", "text", "a dog", start, end), **more)


def test_seconds_become_frames() -> None:
    query = frame_query([row(1.0, 2.5), row(4.2, 4.3), row(9.5, 30.0)], 0, index_of(20))
    assert query.segments.tolist() == [[2, 4], [8, 8], [19, 19]]
    assert frame_query([row(12.0, 13.0)], 0, index_of(20)).segments.tolist() == []
    before = frame_query([row(1.0, 2.5), row(4.0, 6.0)], 0, index_of(20))
    searched = frame_query([row(1.0, 2.5, search_end=4.9), row(4.0, 6.0)], 0, index_of(20))
    assert (before.frames, searched.frames) == (20, 9)
    assert searched.segments.tolist() == [[2, 4], [8, 8]]


def test_boxes_become_those_of_frames() -> None:
    boxes = ((1.0, 20.0, 10.0, 40.0, 20.0), (1.9, 38.0, 10.0, 40.0, 20.0), (3.1, 0.0, 0.0, 0.0, 0.0))
    query = frame_query([row(1.0, 4.0, boxes=boxes, frame_size=(200.0, 100.0))], 0, index_of(20))
    assert query.box_frames.tolist() == [2, 3, 4, 6]
    assert query.boxes[0].tolist() == pytest.approx([0.2, 0.2, 0.2, 0.2])
    assert query.boxes[1, 0] == pytest.approx(0.25), "interpolated"
    assert query.boxes[3, 2:].tolist() == pytest.approx([0.005, 0.01]), "a side is a pixel at least"


def samples_of(index: FilmIndex, rows: list[QueryRow], *, train: bool = True, **recipe: Any) -> QueryWindows:
    settings = QueriedFilmsRecipe.model_validate({"window": 8, **recipe})
    queries = [frame_query([one], 0, index) for one in rows]
    tokens = [np.full((2 + number, 4), number, np.float16) for number in range(len(rows))]
    widths = {"visual": (2, 3), "audio": (2, 3)}
    return QueryWindows(queries, [index], tokens, KINDS, widths, settings, 5, train=train)


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_sample_holds_its_window() -> None:
    samples = samples_of(index_of(40), [row(5.0, 7.0)], crop=0.0, drop=0.0, types={"text": [1, 0, 0, 0]})
    for epoch in range(20):
        samples.set_epoch(epoch)
        sample = samples[0]
        frames = sample["visual"][:, 0, 0]
        assert torch.equal(sample["foreground"], (frames >= 10) & (frames <= 13))
        assert frames[sample["edges"][0]].tolist() == [10, 13]
        assert torch.equal(frames, sample["audio"][:, 1, 2])
        assert len(frames) == 8
        assert not sample["box_present"].any()


def test_samples_follow_from_seed_epoch_and_index() -> None:
    rows = [row(5.0, 7.0), row(9.0, 12.0, kind="label", query="dog"), row(2.0, 3.0, kind="audio", query="a")]
    first, second = samples_of(index_of(40), rows), samples_of(index_of(40), rows)
    for epoch in (1, 0, 1):
        for samples in (first, second):
            samples.set_epoch(epoch)
        assert all(equal(first[index], second[index]) for index in range(3))
    apart = []
    for epoch in range(6):
        first.set_epoch(epoch)
        apart.append(tuple(first[0]["visual"][:, 0, 0].tolist()))
    assert len(set(apart)) > 2
    validated = samples_of(index_of(40), rows, train=False)
    kept = validated[1]
    validated.set_epoch(7)
    assert equal(validated[1], kept)
    assert kept["foreground"].any()


def test_a_window_never_loses_what_its_query_needs() -> None:
    rows = [row(5.0, 7.0, kind=kind, query="a") for kind in KINDS]
    samples, lost = samples_of(index_of(40), rows, drop=1.0, power=1.0), set()
    for epoch in range(30):
        samples.set_epoch(epoch)
        for index in range(len(rows)):
            sample = samples[index]
            kind = KINDS[int(sample["kind"])]
            here = {name for name in ("visual", "audio") if sample[f"{name}_present"]}
            assert len(here) == 1
            assert not any(sample[name].any() for name in ("visual", "audio") if name not in here)
            lost.add((kind, *here))
    assert lost == {
        ("image", "visual"), ("audio", "audio"), ("text", "visual"), ("text", "audio"), ("label", "visual"),
        ("label", "audio"),
    }  # fmt: skip


def test_a_film_without_audio_has_zeros_that_are_absent() -> None:
    sample = samples_of(index_of(40, audio=False), [row(5.0, 7.0)], drop=1.0)[0]
    assert not sample["audio_present"]
    assert sample["visual_present"]
    assert sample["audio"].shape[1:] == (2, 3)
    assert not sample["audio"].any()


def test_a_batch_is_padded() -> None:
    samples = samples_of(index_of(40), [row(5.0, 7.0), row(9.0, 12.0)], crop=1.0, train=True)
    found = [samples[0], samples[1]]
    found[0]["query"] = torch.ones(5, 9, dtype=torch.float16)
    found[0]["query_mask"] = torch.ones(5, dtype=torch.bool)
    found[1]["edges"] = torch.tensor([[1, 2], [4, 5]])
    batch = collate_windows(found)
    lengths = [int(sample["valid"].sum()) for sample in found]
    assert batch["visual"].shape[1] == max(lengths)
    assert batch["valid"].sum(dim=1).tolist() == lengths
    assert batch["query"].shape[1:] == (5, 9)
    assert batch["query_mask"].sum(dim=1).tolist() == [5, len(found[1]["query_mask"])]
    assert batch["edges"][0, 1].tolist() == [-1, -1]


def test_of_many_queries_some_are_validated() -> None:
    index = index_of(40)
    kinds = ("text",) * 9 + ("label",) * 2
    queries = [frame_query([row(5.0, 7.0, kind=kind)], 0, index) for kind in kinds]
    queries.append(frame_query([row(0.0, 0.0, absent=True)], 0, index))
    chosen = some_queries(queries, 4, 0)
    assert chosen == some_queries(queries, 4, 0)
    assert [kinds[number] for number in chosen] == ["text"] * 4 + ["label"] * 2
    assert len(some_queries(queries, 0, 0)) == 11


@pytest.fixture(scope="module")
def queried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_queried(tmp_path_factory.mktemp("queried") / "films", train=2)


def task_of(table: Path, folder: Path, **tables: Any) -> LocalisationTask:
    data = {"index": str(folder / "index"), "text_encoder": str(folder / "text"), "window": 16}
    tables = {"model": {"name": "minotaur_tiny"}, **RUN, **tables}
    tables["data"] = {**data, **tables.get("data", {})}
    return LocalisationTask(table, LocalisationRecipe.model_validate(tables), Silent())


def test_a_trained_model_is_built_again_and_names_what_it_expects(queried: Path, tmp_path: Path) -> None:
    task = task_of(queried, queried.parent, loop={**RUN["loop"], "max_steps": 2}, data={"val_queries": 1})
    outcome = train_task(task, tmp_path / "run")
    assert {
        "recall",
        "recall_image",
        "recall_text",
        "recall_label",
        "recall_audio",
        "loss",
    } <= outcome.metrics.keys()
    assert "avtool localize find film.mkv" in (outcome.model / "README.md").read_text()
    with pytest.raises(BadInputError, match="takes films with their features") as refused:
        avtool.load_model(outcome.model).predict("sound.wav")
    assert "avtool localize find" in refused.value.hint
    loaded = load_model(outcome.model)
    assert loaded.model.kinds == KINDS
    assert loaded.model.settings.grid == (2, 3)
    card = GroundingCard.from_json(loaded.preprocess)
    assert (card.step, card.kinds, card.labels, card.window) == (0.25, KINDS, ("square",), 16)
    index = open_index(queried.parent / "index" / "0")
    card.check_index(index)
    assert card.visual == index.card.visual
    assert card.text is not None
    card.check_query("label", "square")
    with pytest.raises(BadInputError, match="no label `sqare`") as caught:
        card.check_query("label", "sqare")
    assert "square" in caught.value.hint
    with pytest.raises(BadInputError, match="4 frames per second, 5 are needed"):
        replace(card, step=0.2).check_index(index)
    assert card.audio is not None
    with pytest.raises(BadInputError, match=r"every .* s, windows of audio of 9 s every .* s are needed"):
        replace(card, audio=replace(card.audio, window=9.0)).check_index(index)
    with pytest.raises(BadInputError, match="no smell query"):
        card.check_query("smell")
    with pytest.raises(BadInputError, match="finds no queries"):
        GroundingCard.from_json({"task": "classification"})


def test_published_weights_start_a_training(queried: Path, tmp_path: Path) -> None:
    first = train_task(task_of(queried, queried.parent, loop={**RUN["loop"], "max_steps": 1}), tmp_path / "a")
    task = task_of(queried, queried.parent, model={"name": "minotaur_tiny", "init": str(first.model)})
    weights = task.prepare().model.state_dict()
    for name, value in load_model(first.model).model.state_dict().items():
        assert torch.equal(weights[name], value)
    assert any(one.kind == "weights" and "a" in one.path for one in task.inputs)


def test_kinds_can_be_chosen(queried: Path) -> None:
    task = task_of(queried, queried.parent, data={"kinds": "text,audio"})
    model, arguments = task.build()
    assert tuple(arguments["query_dims"]) == ("text", "audio") == model.kinds
    assert task.describe()["kinds"] == "text (2), audio (2)"


def broken(queried: Path, change: Callable[[QueryTable], QueryTable], tmp_path: Path) -> Path:
    """A copy of the table with something wrong, whose media are absolute."""
    table = read_queries(queried)
    rows = [replace(one, media=str(queried.parent / one.media)) for one in table]
    write_queries(change(QueryTable(tuple(rows), tmp_path)), tmp_path / "queries.csv")
    return tmp_path / "queries.csv"


def test_films_without_an_index_are_skipped(queried: Path, tmp_path: Path) -> None:
    def other_film(table: QueryTable) -> QueryTable:
        rows = list(table.of(kinds=["text"]))
        return replace(table, rows=(*rows[:-1], replace(rows[0], query_id="x", media="other.mp4")))

    table = broken(queried, other_film, tmp_path)
    films = find_queries(table, QueriedFilmsRecipe(index=queried.parent / "index"))
    assert [(one.clip_id, one.reason) for one in films.skipped] == [("x", "`other.mp4` is not indexed")]
    assert len(films.train) == 2


def test_kinds_that_are_not_learned_are_not_validated(queried: Path, tmp_path: Path) -> None:
    def other_kind(table: QueryTable) -> QueryTable:
        rows = [one for one in table if (one.kind == "text") == (one.split == "val")]
        return replace(table, rows=tuple(one for one in rows if one.kind in ("text", "label")))

    task = task_of(broken(queried, other_kind, tmp_path), queried.parent)
    assert task.films.kinds == ("label",)
    assert task.films.val == ()
    assert not task.validates
    assert task.prepare().validate is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"index": None}, "no index of the films is given"),
        ({"index": "nowhere"}, "`nowhere` is no index of a film, and no folder of them"),
        ({"split": "dev"}, "no query to learn in split `dev` .its splits: train, val."),
        ({"text_encoder": "nowhere"}, "`nowhere` is no text encoder"),
    ],
)
def test_what_does_not_fit_is_refused(queried: Path, data: dict[str, Any], message: str) -> None:
    task = task_of(queried, queried.parent, data=data)
    with pytest.raises(BadInputError, match=message):
        task.prepare()


@pytest.mark.parametrize(
    "data",
    [{"windows": {"text": 4}}, {"stride": 300}, {"types": {"text": [0, 0, 0, 0]}}, {"kinds": "smell"}],
)
def test_settings_that_make_no_sense_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"data|kinds|image"):
        LocalisationRecipe.model_validate({"data": data})


def test_indexes_of_other_settings_are_refused(queried: Path, tmp_path: Path) -> None:
    import shutil

    from avtool.core.files import read_json, write_json

    folder = tmp_path / "index"
    shutil.copytree(queried.parent / "index", folder)
    card = read_json(folder / "1" / "index.json")
    write_json(folder / "1" / "index.json", {**card, "step": 0.5})
    with pytest.raises(BadInputError, match=r"frames per second: 4.0 in .*/0`, 2.0 in"):
        find_queries(queried, QueriedFilmsRecipe(index=folder))
