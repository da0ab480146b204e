"""What `avtool mine-subtitles` takes and writes for people: folders, timelines, the report."""

import csv
import json
import re
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from avtool.cli.main import run
from avtool.core.artifact import verify
from avtool.media.captions.reading import read_captions
from avtool.synthetic.make_film import make_film


@pytest.fixture(scope="module")
def mined(tmp_path_factory) -> Path:
    """Two short films in a folder, one of them in a folder of its own, mined by the folder's name."""
    folder = tmp_path_factory.mktemp("films")
    make_film(folder, seed=0, minutes=0.5, name="one", video="none")
    make_film(folder / "series", seed=1, minutes=0.5, name="two", video="none", style="bbc")
    out = folder.parent / "mined"
    command = ["mine-subtitles", str(folder), "--out", str(out), "--sync", "none", "--no-progress", "-q"]
    assert run(command) == 0
    return out


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_stands_for_its_films(mined):
    assert [row["film_id"] for row in rows_of(mined / "films.csv")] == ["one", "two"]
    assert verify(mined) == []


def test_a_folder_without_films_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("x")
    assert run(["mine-subtitles", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "holds no film" in capsys.readouterr().err


def test_tables_name_times_alike(mined):
    manifest = parquet.read_table(mined / "manifest.parquet").to_pylist()
    rows = rows_of(mined / "events.csv")
    for names in ("film_start", "film_end", "event_start", "event_end"):
        assert [row[names] for row in manifest] == [float(row[names]) for row in rows]


@pytest.mark.parametrize("film", ["one", "two"])
def test_each_film_has_its_events_as_csv_vtt_and_label_track(mined, film):
    of_film = [row for row in rows_of(mined / "events.csv") if row["film_id"] == film]
    assert rows_of(mined / "events" / f"{film}.csv") == of_film
    starts = [float(row["event_start"]) for row in of_film]
    cues = read_captions(mined / "events" / f"{film}.vtt").cues
    assert [cue.start_ms / 1000 for cue in cues] == pytest.approx(starts, abs=0.001)
    lines = [line.split("\t") for line in (mined / "events" / f"{film}.txt").read_text().splitlines()]
    assert [float(line[0]) for line in lines] == pytest.approx(starts, abs=1e-6)
    assert [f"[{line[2]}]" for line in lines] == [cue.text for cue in cues]
    assert all(row["sounds"].split(";")[0] in line[2] for row, line in zip(of_film, lines, strict=True))


def test_the_report_lists_every_event_and_links_to_its_clip(mined):
    page = (mined / "report.html").read_text()
    data = json.loads(re.search(r'id="events-data">(.*?)</script>', page, re.DOTALL)[1])
    rows = rows_of(mined / "events.csv")
    assert len(data["events"]) == len(rows)
    for event in data["events"]:
        assert (mined / "clips" / data["films"][event[0]] / event[-1]).is_file()
    for control in ("by-class", "by-film", "by-rule", "by-words"):
        assert f'id="{control}"' in page
